"""Certificates for a test, made by the openssl command in a folder of its own.

    self.first = certificates.make(folder, "first")
    context = certificates.trusting(self.first)
"""
import os
import ssl
import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        "rsa": ["rsa:2048"], "ed25519": ["ed25519"]}
AUTHORITY = """[ca]
default_ca=it
[it]
database={0}/index
serial={0}/serial
new_certs_dir={0}
default_md=sha256
policy=any
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


def make_expired(folder, name):
    """One that was good in the year 2020 alone."""
    pair = Pair(folder, name)
    paths = {end: os.path.join(folder, end)
             for end in ("index", "serial", "config", "request")}
    for end, text in (("index", ""), ("serial", "01\n"),
                      ("config", AUTHORITY.format(folder))):
        with open(paths[end], "w", encoding="ascii") as file:
            file.write(text)
    openssl("req", "-new", "-newkey", *KEYS["ec"], "-nodes", "-keyout",
            pair.key, "-out", paths["request"], "-subj", "/CN=" + name)
    openssl("ca", "-config", paths["config"], "-selfsign", "-batch",
            "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
            "-keyfile", pair.key, "-in", paths["request"], "-out", pair.cert,
            "-notext")
    return pair


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
