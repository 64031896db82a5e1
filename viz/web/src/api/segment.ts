// A name as one segment of a path, of the API's and of this page's. Browsers take
// "." and ".." out of a path, percent-encoded or not; they are "=." and "=.." there
// (docs/http.md).

export function segmentOf(name: string): string {
    return name === "." || name === ".." ? `=${name}`
                                         : encodeURIComponent(name);
}

// null: it is none, as its escapes are no UTF-8.
export function nameOf(segment: string): string | null {
    if (segment === "=." || segment === "=..")
        return segment.slice(1);
    try {
        return decodeURIComponent(segment);
    } catch {
        return null;
    }
}
