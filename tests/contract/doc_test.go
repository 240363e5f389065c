// Package contract holds the HTTP contract as data. Every testdata/*.http file is a story: steps with a title that says a rule, a
// request, and the answer as the server gives it. The stories are run twice against a real server over TCP, with bare paths on
// SQLite and under /v1 on PostgreSQL, and every answer is also held against the server's own OpenAPI document.
//
//	go test ./tests/contract -update
//
// writes the answers anew; read every one of them before you believe it.
//
// # The form of a story
//
// What stands before the first "###" is prose, and lines that begin with @:
//
//	@server max-file-bytes=1000                   a setting of the server: also workers, sweep-interval and workspaces
//	@token «ada» = acme ada member                a token of that organization, user and role (and workspace), under a name
//	@always Authorization: Bearer «ada»           a header of every request that does not give it itself; "-Authorization" leaves it out
//	@show id, filename                            of Files only these keys; also before a step's request, "everything" or "nothing"
//
// Lines that begin with "## " are headings between steps. A step is a title, prose if you like (lines with "#"), a request, and the answer, which begins with "HTTP/1.1":
//
//	### A file needs nothing but its bytes and a name.
//	POST /files?workspace=default
//	Prefer: handling=strict
//	- purpose: user_data
//	- file (logic.txt, text/plain): Being is.
//
// Lines with "-" are the parts of a multipart form, in their order: a field, or a file with its name and, if you like, its content
// type. Any other body stands behind an empty line and is sent as it is, without its last line end; in a multipart body line ends become CRLF.
//
// In requests «3×abc» is abcabcabc, «\x00\r\n» are bytes by their escapes, and any other «name» is what an earlier answer was
// seen to hold there. In answers ids, times and secrets are such names: «file-1» is the first file's id wherever it comes up.
// Not shown are headers that every answer has, which the harness checks: X-Request-Id, Date, Content-Length, and for JSON its type,
// Cache-Control and X-Content-Type-Options.
package contract
