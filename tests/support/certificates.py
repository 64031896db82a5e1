"""Certificates for a test, made by the openssl command in a folder of its own.

    self.first = certificates.make(folder, "first")
    context = certificates.trusting(self.first)

    authority = certificates.Authority(folder)
    good = authority.sign("good")
    stranger = authority.sign("stranger", "subjectAltName=DNS:other.test")
    stale = authority.sign("stale", dates=certificates.YEAR_2020)
    server = certificates.serving(good)
"""
import os
import ssl
import subprocess
import time

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        "rsa": ["rsa:2048"], "ed25519": ["ed25519"]}
YEAR_2020 = ("20200101000000Z", "20210101000000Z")
AUTHORITY = """[ca]
default_ca=it
[it]
database={0}/index
serial={0}/serial
new_certs_dir={0}
default_md=sha256
policy=any
unique_subject=no
[any]
commonName=supplied
"""


class Pair:
    """The paths of a certificate that has signed itself and of its key."""

    def __init__(self, folder, name):
        self.name = name
        self.cert = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")

    def der(self):
        with open(self.cert, encoding="ascii") as file:
            return ssl.PEM_cert_to_DER_cert(file.read())


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def make(folder, name, kind="ec"):
    pair = Pair(folder, name)
    openssl("req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-keyout",
            pair.key, "-out", pair.cert, "-days", "30", "-subj",
            "/CN=" + name, "-addext", NAMES)
    return pair


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


class Office:
    """The files in which the openssl command keeps what it has signed; unlike
    its other ways it can be told both dates."""

    def __init__(self, folder):
        self.folder = folder
        self.config = write(self.path("config"), AUTHORITY.format(folder))
        write(self.path("index"), "")
        write(self.path("serial"), "01\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, pair, signer, dates):
        """Makes a key and its certificate; signer is what ca has to know."""
        request = self.path("request")
        openssl("req", "-new", "-newkey", *KEYS["ec"], "-nodes", "-keyout",
                pair.key, "-out", request, "-subj", "/CN=" + pair.name)
        openssl("ca", "-config", self.config, "-batch", "-notext", *signer,
                "-startdate", dates[0], "-enddate", dates[1], "-in", request,
                "-out", pair.cert)
        return pair


def make_expired(folder, name):
    """One that was good in the year 2020 alone."""
    pair = Pair(folder, name)
    return Office(folder).sign(pair, ["-selfsign", "-keyfile", pair.key],
                               YEAR_2020)


def around_today():
    """The dates of a month, which began yesterday."""
    now = time.time()
    return [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + days * 86400))
            for days in (-1, 29)]


class Authority(Pair):
    """One that signs for others. Believe it with trusting(), or by its cert."""

    def __init__(self, folder, name="authority"):
        super().__init__(folder, name)
        openssl("req", "-x509", "-newkey", *KEYS["ec"], "-nodes", "-keyout",
                self.key, "-out", self.cert, "-days", "30", "-subj",
                "/CN=" + name)
        where = os.path.join(folder, name + ".office")
        os.mkdir(where)
        self.folder = folder
        self.office = Office(where)

    def sign(self, name, names=NAMES, dates=None):
        """A pair for a server; names are those of its subjectAltName."""
        extension = write(self.office.path("extension"), names + "\n"
                          "extendedKeyUsage=serverAuth\n")
        return self.office.sign(
            Pair(self.folder, name),
            ["-cert", self.cert, "-keyfile", self.key, "-extfile", extension],
            dates or around_today())


def serving(pair):
    """What a server needs to be this one, in TLS 1.2 and 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pair.cert, pair.key)
    return context


def trusting(*pairs, version=None):
    """What a client needs to believe these alone, in one version of TLS or
    in any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for pair in pairs:
        context.load_verify_locations(pair.cert)
    if version:
        context.minimum_version = version
        context.maximum_version = version
    return context
