// Where somebody was on a page, kept by its entry of the history for who goes back.

export interface Place {
    limit?: number; // of rows
    top?: number; // how far it was scrolled, in px
}

export function place(): Place {
    return (history.state as Place | null) ?? {};
}

export function keepPlace(of: Place, address = location.href): void {
    history.replaceState({ ...place(), ...of }, "", address);
}
