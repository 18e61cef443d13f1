export declare function schemaModule(): Promise<string>
