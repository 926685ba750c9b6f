// Package jobtest helps to test code around package job: a [Recorder] that
// keeps what a run yields, a [Fake] executor that plays a script, a [Source]
// that hands out tasks and keeps what becomes of them, [FakeTool] programs that
// record how they were called, and the suites that an own executor or git
// implementation has to pass. Production code never imports it.
package jobtest
