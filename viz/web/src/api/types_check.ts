// Holds the names in types.ts to the ones in openapi.json, both ways, when types are
// checked. Nothing of it is in the page. Where they differ, the error names the
// property: "Property 'processes.load.2m' is missing in type '{}'".
import type document from "../../../../logplexd/api/openapi.json";
import type {
    AbsentLine, Answer, AnswerGroup, Covers, Dist, Drain, DrainStatus, Fleet,
    FleetChannel, Line, Lines, Series, Snapshot,
} from "./types";

type Schemas = (typeof document)["components"]["schemas"];

// The properties of a schema, of a list's items, or of what may be null as well;
// never where it is a $ref, a scalar or a map of any names.
type PropertiesOf<S> =
    S extends { properties: infer P extends object } ? P
    : S extends { items: infer Items } ? PropertiesOf<Items>
    : S extends { anyOf: (infer Either)[] }
        ? PropertiesOf<Extract<Either, { properties: object }>>
    : never;

type One<T> = NonNullable<T> extends (infer Item)[] ? Item : NonNullable<T>;

// "a.b" for each name that is on one side alone.
type Differences<T, P, At extends string = ""> = [P] extends [never] ? never
    : `${At}${Exclude<keyof T & string, keyof P>}`
    | `${At}${Exclude<keyof P & string, keyof T>}`
    | { [K in keyof T & keyof P & string]:
        Differences<One<T[K]>, PropertiesOf<P[K]>, `${At}${K}.`>
    }[keyof T & keyof P & string];

type Differ<T, Name extends keyof Schemas> =
    Record<Differences<T, PropertiesOf<Schemas[Name]>>, never>;

// Lines has the names of three answers.
type OfLines = Schemas["Lines"]["oneOf"][number]["properties"] |
    Schemas["RequestLines"]["properties"];
type NamesOfAny<P> = P extends unknown ? keyof P : never;

export const same: [
    Record<Exclude<keyof Lines, NamesOfAny<OfLines>> |
           Exclude<NamesOfAny<OfLines>, keyof Lines>, never>,
    Differ<Dist, "Distribution">, Differ<Snapshot, "Aggregates">,
    Differ<Series, "AggregateSeries">, Differ<Fleet, "Fleet">,
    Differ<FleetChannel, "FleetChannel">, Differ<Line, "Line">,
    Differ<AbsentLine, "AbsentLine">, Differ<Answer, "Groups">,
    Differ<AnswerGroup, "Group">,
    Differ<NonNullable<Answer["other"]>, "OtherGroups">,
    Differ<Covers, "Covers">, Differ<Drain, "RunningDrain">,
    // Of a drain's status the page needs the smaller part.
    Record<Exclude<keyof DrainStatus,
                   keyof PropertiesOf<Schemas["DrainStatus"]>>, never>,
] = [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}];
