// Drawing is put off to the next frame of the screen, and done once there,
// however often it was asked for: that is what keeps a page smooth that a
// thousand lines a second run into. A tab that nobody sees draws nothing.

export function onceAFrame(draw: () => void): () => void {
    let isAsked = false;
    const drawNow = (): void => {
        isAsked = false;
        draw();
    };
    return () => {
        if (isAsked)
            return;
        isAsked = true;
        requestAnimationFrame(drawNow);
    };
}

// At most every so many milliseconds, the last call always among them.
export function atMostEvery(ms: number, act: () => void): () => void {
    let last = -Infinity;
    let timer = 0;
    const actNow = (): void => {
        timer = 0;
        last = performance.now();
        act();
    };
    return () => {
        if (timer !== 0)
            return;
        const wait = Math.max(0, last + ms - performance.now());
        timer = window.setTimeout(actNow, wait);
    };
}
