//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
)

// measures lists everything that is measured, with the goals.
func (b *bench) measures() []measure {
	all := slices.Concat(b.throughputs(), b.costs(), b.processing(), b.sharing())
	if b.long || b.quick {
		all = append(all, b.largest()...)
	}
	return all
}

func (b *bench) throughputs() []measure {
	const large, small, row = "limit: write, hash, fsync", "limit: write, fsync, rename, fsync", "limit: one read of SQLite"
	return []measure{
		{
			name: "large-upload", title: "Upload of " + size(b.large) + ", durable and hashed", unit: "MB/s", setup: b.largeUploads,
			note: "One connection. Only Satchel and the limit sync the content, and both let the disk begin before the last byte is there; " +
				"tusd, nginx and PocketBase do not hash it.",
			goals: []goal{
				atLeast("satchel", 0.9, large), atLeast("satchel", 2, "PocketBase"), atLeast("satchel", 1, "versitygw"),
			},
		},
		{
			name: "small-uploads", title: fmt.Sprintf("Uploads of %s, %d at once, durable", size(b.small), b.atOnce), unit: "files/s",
			setup: b.smallUploads,
			note: "Only Satchel and the limit sync anything before they answer. Satchel also notes what is to be done with each file, although no worker " +
				"does it here; stored alone: files whose purpose has nothing done with them, as in the peers.",
			goals: []goal{atLeast("satchel", 0.35, small), atLeast("satchel", 1, "PocketBase")},
		},
		{
			name: "large-download", title: "Download of " + size(b.large), unit: "MB/s", setup: b.downloads,
			note:  "One connection, the file in the page cache. The client leaves the bytes in the kernel, so that it is the server that is measured.",
			goals: []goal{atLeast("satchel", 1, "nginx")},
		},
		{
			name: "info", title: fmt.Sprintf("GET /files/{id}, %d at once", b.atOnce), unit: "requests/s", setup: b.infos,
			note:  "Out of a store of " + people(b.files) + " files. The limit answers with the same bytes.",
			goals: []goal{atLeast("satchel", 0.6, row), atLeast("satchel", 2, "PocketBase")},
		},
		{
			name: "signin", title: fmt.Sprintf("What authentication costs: GET /files/{id}, %d at once", b.atOnce), unit: "requests/s", setup: b.signIns,
			note:  "The same files, with a member's token; without authentication every request is the operator's, and no token is looked at.",
			goals: []goal{atLeast("satchel", 0.9, "without authentication")},
		},
		{
			name: "content", title: fmt.Sprintf("Content of %s files, %d at once", size(b.small), b.atOnce), unit: "files/s",
			setup: b.contents, goals: []goal{atLeast("satchel", 2, "PocketBase")},
		},
		{
			name: "delete", title: fmt.Sprintf("Delete of %s files, %d at once", size(b.small), b.atOnce), unit: "files/s",
			setup: b.deletes, goals: []goal{atLeast("satchel", 2, "PocketBase")},
		},
	}
}

func (b *bench) costs() []measure {
	files, million := people(b.files), people(b.million)
	first := "satchel, first page, " + files
	return []measure{
		{
			name: "pages", title: "A page of 100 files", unit: "ms", setup: b.pages,
			note: fmt.Sprintf("Median of %d requests, one after the other. PocketBase: newest first, with an index on the order, without counting.", b.repeats),
			goals: []goal{
				atMost("satchel, middle page, "+files, 1.2, first), atMost("satchel, first page, "+million, 1.2, first),
				atMost("satchel, middle page, "+million, 1.2, first),
				atMost(first, 1, "PocketBase, first page, "+files),
				atMost("satchel, middle page, "+files, 1, "PocketBase, middle page, "+files),
				atMost("satchel, first page, "+million, 1, "PocketBase, first page, "+million),
				atMost("satchel, middle page, "+million, 1, "PocketBase, middle page, "+million),
			},
		},
		{
			name: "filters", title: "Filters by metadata among " + million + " files", unit: "ms", setup: b.filters,
			note: fmt.Sprintf("Median of %d requests, one after the other.", b.repeats),
			goals: []goal{
				under("one key, 100 files match", 20), under("two keys, the first in half of the files, 100 match", 20),
			},
		},
		{
			name: "memory", title: "Memory", unit: "MiB", setup: b.memories,
			note: "The greatest resident size of a fresh process.",
			goals: []goal{
				under("satchel, idle", 64), under(fmt.Sprintf("satchel, %d uploads of %s at once", b.atOnce, size(b.large)), 100),
				under("satchel, "+million+" files: lists, filters, small uploads", 100),
			},
		},
		{
			name: "start", title: "Start to first answer", unit: "ms", setup: b.starts,
			note:  "From the start of the process to the end of the answer to an authenticated request for a list. Empty: the data folder is made too.",
			goals: []goal{under("empty", 300), under("later, "+files, 100), under("later, "+million, 200)},
		},
	}
}

// processing lists what is measured of the way from an upload to text and pages. The first three find their figures in the same rounds.
func (b *bench) processing() []measure {
	many := fmt.Sprintf("while %d documents are processed", b.mixed)
	return []measure{
		{
			name: "processing", title: fmt.Sprintf("Documents processed: %d of all formats", b.mixed), unit: "documents/min", setup: b.rates,
			note: fmt.Sprintf("From the first byte that %d clients upload until the last document is processed, without a language model. %s "+
				"A page has about 400 words, a sheet 50 rows of six cells, a slide 60 words. Each round begins with a server that was just started, "+
				"on a new data folder.", uploadersAtOnce, b.mixtureInWords()),
		},
		{
			name: "processing-memory", title: fmt.Sprintf("Memory %s", many), unit: "MiB", setup: b.rushMemories,
			note: fmt.Sprintf("In the same rounds, except the last line. The greatest resident size of the server's process, and the greatest sum of the resident sizes of its "+
				"children, looked at every %s; what they share is counted for each. On a new machine: one short document of each format comes as soon as the server answers.", watchEvery),
			goals: []goal{under(serverMemory, 100), under(childrenMemory, 1024), under(firstMemory, 1024)},
		},
		{
			name: "processing-reads", title: fmt.Sprintf("GET /files/{id} %s", many), unit: "ms", setup: b.rushReads,
			note: fmt.Sprintf("In the same rounds. The 99th percentile of requests that one client sends every %s for the files that were uploaded last; "+
				"a request that has to wait for the answer to the one before it counts from when it was due.", readEvery),
			goals: []goal{atMostOr(readsBusy, 3, readsIdle, 15)},
		},
		{
			name: "processing-latency", title: "From upload to processed, a text of 1 KiB", unit: "ms", setup: b.readiness,
			note:  fmt.Sprintf("Median of %d files, one after the other, from the upload's first byte until the client has an answer that says processed.", b.repeats),
			goals: []goal{under(askedFor, 50)},
		},
		{
			name: "processing-pages", title: "Pages processed, by format", unit: "pages/s", setup: b.pagesOfFormats,
			note: fmt.Sprintf("%d documents of one format, uploaded by %d clients, until the last one is processed. Pages as above; in HTML a page is so much text.",
				b.sameFormat, uploadersAtOnce),
		},
	}
}

// sharing lists what is measured with rows in PostgreSQL and bytes in a bucket. Database, S3 server, Satchel and client share the machine.
func (b *bench) sharing() []measure {
	files, million := people(b.files), people(b.million)
	setup := func(page bool) func(context.Context) ([]contestant, error) {
		return func(ctx context.Context) ([]contestant, error) { return b.sharedReads(ctx, page) }
	}
	return []measure{
		{
			name: "postgres-info", title: fmt.Sprintf("PostgreSQL: GET /files/{id}, %d at once", b.atOnce), unit: "requests/s", setup: setup(false),
			note:  "Out of " + files + " files. The limit asks the same of the same database, decodes every value, and answers with the same bytes.",
			goals: []goal{atLeast("satchel", 0.5, bareHandler)},
		},
		{
			name: "postgres-list", title: fmt.Sprintf("PostgreSQL: pages of 100 files, %d at once", b.atOnce), unit: "requests/s", setup: setup(true),
			note:  "Pages behind each of " + files + " files. The limit as above.",
			goals: []goal{atLeast("satchel", 0.5, bareHandler)},
		},
		{
			name: "postgres-creates", title: fmt.Sprintf("PostgreSQL and S3: uploads of %s, %d at once", size(b.small), b.atOnce), unit: "files/s",
			setup: b.sharedCreates,
			note: "The inserts are the rows of an upload in one message to the database, the puts its bytes; the S3 server does not wait for its disk, PostgreSQL does. " +
				"To be processed: with the job, although no worker does it here.",
			goals: []goal{atLeastOfLesser("satchel", 0.5, bareInserts, barePuts)},
		},
		{
			name: "s3-upload", title: "S3: upload of " + size(b.large), unit: "MB/s", setup: b.bucketUploads,
			note:  "All with the HTTP client of Go. minio-go sends four parts at once, as it does by default; to Satchel there is one connection.",
			goals: []goal{atLeast("satchel", 0.6, bareClient)},
		},
		{
			name: "s3-download", title: "S3: download of " + size(b.large), unit: "MB/s", setup: b.bucketDownloads,
			note:  "All with the HTTP client of Go, the object in the page cache.",
			goals: []goal{atLeast("satchel, through the server", 0.4, bareClient), atLeast("satchel, by redirect", 0.95, bareClient)},
		},
		{
			name: "postgres-pages", title: "PostgreSQL: a page of 100 files, and a filter that 100 files match", unit: "ms", setup: b.sharedPages,
			note: fmt.Sprintf("Median of %d requests, one after the other. The rows were loaded by COPY.", b.repeats),
			goals: []goal{
				atMost("first page, "+million, 1.5, "first page, "+files), atMost("middle page, "+million, 1.5, "middle page, "+files),
				atMost("filter, "+million, 1.5, "filter, "+files),
			},
		},
		{
			name: "postgres-bytes", title: "PostgreSQL: bytes on the disk for a file", unit: "bytes",
			setup: func(ctx context.Context) ([]contestant, error) { return b.databaseBytes(ctx, b.files, b.million) },
			note:  "A file has five keys of metadata, and no text. What its bytes take is not counted.",
		},
		{
			name: "s3-memory", title: "S3: memory of a server", unit: "MiB", setup: b.bucketMemory,
			note:  "The greatest resident size of a fresh process, with the default budget for buffers.",
			goals: []goal{under(b.crowdedName(), 400)},
		},
		{
			name: "servers", title: fmt.Sprintf("One and two servers on one database and one bucket, %d clients at once", b.atOnce), unit: "requests/s", setup: b.severalServers,
			note: "All of it on one machine, which a single server fills already: this shows what a second one costs, not what it gains.",
		},
	}
}

// largest lists what is measured in a PostgreSQL database with ten million files, which takes long to load.
func (b *bench) largest() []measure {
	files, many := people(b.files), people(b.tenMillion)
	of := func(what string) goal { return atMost(what+", "+many, 1.5, what+", "+files) }
	return []measure{
		{
			name: "huge-load", title: "PostgreSQL, " + many + " files: how long they load", unit: "s", setup: b.loads,
			note: "Once, by COPY into all tables at the same time; a table's indexes are made when it is full. The rows are made by the program that copies them, on the same processors.",
		},
		{
			name: "huge-pages", title: "PostgreSQL, " + many + " files: pages of 100, filters that 100 files match, reads by id", unit: "ms", setup: b.hugePages,
			note:  fmt.Sprintf("Median of %d requests, one after the other: the same request each time, or each time another one, for what lies anywhere in the database.", b.repeats),
			goals: []goal{of(firstPage), of(middlePage), of(sameFilter)},
		},
		{
			name: "huge-bytes", title: "PostgreSQL, " + many + " files: bytes on the disk for a file", unit: "bytes",
			note:  "A file has five keys of metadata, no text, and no entry in the audit. What its bytes take is not counted.",
			setup: func(ctx context.Context) ([]contestant, error) { return b.databaseBytes(ctx, b.files, b.tenMillion) },
		},
	}
}

// size writes a size as people do.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// people writes a count as people do.
func people(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%d million", n/1_000_000)
	case n >= 1_000 && n%1_000 == 0:
		return fmt.Sprintf("%d thousand", n/1_000)
	}
	return fmt.Sprint(n)
}
