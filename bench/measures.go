//go:build linux

package main

import "fmt"

// measures lists everything that is measured, with the goals.
func (b *bench) measures() []measure {
	return append(b.throughputs(), b.costs()...)
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
			setup: b.smallUploads, note: "Only Satchel and the limit sync anything before they answer.",
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
	case n == 1_000_000:
		return "1 million"
	case n >= 1_000 && n%1_000 == 0:
		return fmt.Sprintf("%d thousand", n/1_000)
	}
	return fmt.Sprint(n)
}
