// Markers as things that happened: what several dynos do at once is one of them.
import type { Marker } from "../api/types";
import { byName } from "../base/format";
import { shown } from "../base/shown";
import { isBad, markerWords, worthTelling } from "../ui/marker_text";

export interface Happened {
    t: number;
    text: string;
    isBad: boolean;
    from_seq: number;
    end_seq: number;
}

const AT_ONCE_S = 10;
const NAMED = 3;

interface Group {
    words: string;
    first: Marker;
    last: Marker;
    processes: string[];
}

// The newest first.
export function happened(markers: readonly Marker[]): Happened[] {
    const groups: Group[] = []; // the newest first
    worthTelling(markers).forEach(one => {
        const words = markerWords(one);
        const group = groups.find(of => of.words === words);
        if (!group || !isOneOf(group, one)) {
            groups.unshift({ words, first: one, last: one,
                             processes: [one.process] });
            return;
        }
        group.last = one;
        group.processes.push(one.process);
    });
    groups.sort((a, b) => b.last.t - a.last.t || b.last.seq - a.last.seq);
    return groups.map(of => ({
        t: of.last.t,
        text: `${names(of.processes)} ${of.words}`.trim(),
        isBad: isBad(of.first),
        from_seq: Math.max(1, of.first.seq - 10),
        end_seq: of.last.seq + 10,
    }));
}

// What a dyno does again is another time.
function isOneOf(group: Group, { process, t }: Marker): boolean {
    return process !== "" && !group.processes.includes(process) &&
        t - group.first.t < AT_ONCE_S;
}

function names(processes: readonly string[]): string {
    const sorted = [...processes].sort(byName).map(shown);
    return sorted.length <= NAMED ? sorted.join(", ")
        : `${sorted.slice(0, NAMED - 1).join(", ")} and ` +
          `${sorted.length - NAMED + 1} more`;
}
