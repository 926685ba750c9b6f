import type { Component } from 'vue'

export type Row = Record<string, unknown> & { id?: number | string; name?: string }
export interface Choice {
  value: unknown
  label: string
}
/** What a form knows beside its row: lists of other resources by their path, and the project. */
export interface Context {
  lists: Record<string, Row[]>
  project: number
  fresh: boolean
  live?: Record<string, string> // what is wrong with a field while it is typed
}

/** One field of a form. Labels are message keys: "f.<label or key>", hints "h.<...>" where there is one. */
export interface Field {
  key: string
  kind?: 'text' | 'area' | 'number' | 'check' | 'select' | 'ref' | 'password' | 'lines' | 'code' | 'time' | 'heading' | 'custom'
  label?: string
  required?: boolean
  optional?: boolean // a select or ref that may be empty
  empty?: string // message key of what empty means; "field.none"
  when?: (row: Row, c: Context) => boolean
  options?: (row: Row, c: Context) => Choice[]
  ref?: string // path below the project, "keys"
  filter?: (item: Row, row: Row) => boolean
  language?: (row: Row) => 'yaml' | 'json' | 'ini' | 'shell'
  component?: Component
  props?: (row: Row, c: Context) => Record<string, unknown>
  rows?: boolean // the component shows what is wrong with each of its rows, by "0" or "0.name"
}

export interface Column {
  key: string
  label?: string
  kind?: 'text' | 'mono' | 'time' | 'switch' | 'tag'
  text?: (row: Row, c: Context) => string
  component?: Component // draws the cell, from row and context
  wide?: boolean // left out on phones
}

/** A list and a form of one kind of row. */
export interface Resource {
  name: string // messages "r.<name>.*", and the path of its screens
  api: (project: number) => string
  bit: number // the right that changes ask for; 0: administrators
  /** The member of a row that has what its viewer may do with it beside the rights in the project. */
  rights?: string
  columns: Column[]
  fields: Field[]
  query?: string // what GET of the list has behind its path
  needs?: string[] // lists that the table shows names of
  blank: (kind?: string) => Row
  kinds?: () => Choice[] // "new" offers these
  post?: (row: Row) => string // what POST has behind the path of the list
  load?: (row: Row) => Row // from the API to the form
  save?: (row: Row, fresh: boolean, before: Row) => Row // and back
  moves?: string[] // members of a reply that change without anybody's doing
  link?: (row: Row) => string // where a click leads, below the list's own path
  key?: string // what paths name a row by; "id"
  fixed?: boolean // rows do not change once made
  toggle?: (row: Row, on: boolean) => { method: string; path: string; body: unknown }
  extra?: Component // shown below the form of a row that exists
  below?: Component // shown below the list
  after?: (row: Row, project: number) => string | undefined // where saving leads; the list
  made?: Component // shows once what the reply to POST holds
  order?: string // what POST takes the places of rows at, by their ids, behind the path of the list
  refs?: boolean
  search?: boolean
  live?: boolean // read again by and by: what it tells grows old
  sorts?: string[] // columns that the API sorts by, the usual one first
}
