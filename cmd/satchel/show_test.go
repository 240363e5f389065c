package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
)

func TestTableFitsTheTerminal(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	files := []*api.File{
		{Filename: "logic.pdf", Bytes: 1_234_567, Metadata: json.RawMessage(`{"author":"hegel","year":1812,"title":"Science of Logic","tags":["a","b"]}`)},
		{Filename: "تقرير سنوي طويل جدا عن المنطق والعلوم.pdf", Bytes: 5 << 30, Metadata: json.RawMessage(`{"المؤلف":"هيغل"}`)},
		{Filename: "家族の写真とても長い名前のファイルですよろしく.jpg", Bytes: 999, Status: "processing", Metadata: json.RawMessage(`{"場所":"東京"}`)},
		{Filename: "👨‍👩‍👧 🎒 é.txt", Bytes: 0, Status: "error", Metadata: json.RawMessage(`{}`)},
		{Filename: "\x1b[2Jwipe\u202e\nline", Bytes: 1, Metadata: json.RawMessage(`{"a":"\u001b[31m","b":"true","c":true,"d":""}`)},
	}
	ages := []time.Duration{5 * time.Second, 90 * time.Second, 5 * time.Hour, 40 * 24 * time.Hour, 900 * 24 * time.Hour}
	var all strings.Builder
	for _, width := range []int{0, 40, 48, 56, 64, 80, 120} {
		var out bytes.Buffer
		table := &table{program: &program{out: &out, width: width, now: func() time.Time { return now }}}
		for i, f := range files {
			f.ID = fmt.Sprintf("file-06dvm5k8qg0%d21h7r5d9o4p2t", i)
			f.CreatedAt = now.Add(-ages[i]).Unix()
			if f.Status == "" {
				f.Status = "processed"
			}
			if err := table.add(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.flush(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := columns(strings.TrimRight(line, "\n")); width > 0 && n > width {
				t.Errorf("%d columns in a terminal of %d: %s", n, width, line)
			}
		}
		fmt.Fprintf(&all, "%d columns:\n%s\n", width, out.String())
	}
	if strings.ContainsAny(all.String(), "\x1b\u202e") {
		t.Error("control characters reach the terminal")
	}
	compareGolden(t, "testdata/table.txt", all.String())
}

func TestTableKeepsItsColumnsOverManyRows(t *testing.T) {
	var out bytes.Buffer
	table := &table{program: &program{out: &out, now: time.Now}}
	for range 2*tableRows + 1 {
		if err := table.add(&api.File{ID: someID, Filename: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2*tableRows+2 || strings.Count(out.String(), "METADATA") != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for ago, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", 59 * time.Second: "59s", time.Minute: "1m", 59 * time.Minute: "59m", 23 * time.Hour: "23h",
		day: "1d", 99 * day: "99d", 100 * day: "3mo", 800 * day: "2y",
	} {
		if got := age(now.Add(-ago), now); got != want {
			t.Errorf("%s ago is %q, want %q", ago, got, want)
		}
	}
}

func TestPrettyEscapesWhatCouldSteerATerminal(t *testing.T) {
	got := pretty(json.RawMessage("{\"a\":\"\u202e\u0085x\"}"))
	if want := "{\n  \"a\": \"\\u202e\\u0085x\"\n}"; got != want {
		t.Errorf("got %s", got)
	}
	if !json.Valid([]byte(got)) {
		t.Error("it is no JSON any more")
	}
}

func TestBefore(t *testing.T) {
	zeros, vs := strings.Repeat("0", 24), strings.Repeat("v", 24)
	for characters, want := range map[string]string{
		"1": "file-0" + vs, "a": "file-9" + vs, "0": "", "01": "file-00" + vs[1:], "1" + zeros: "file-0" + vs,
	} {
		if got := before(characters); got != want {
			t.Errorf("before %q comes %q, want %q", characters, got, want)
		}
	}
}

func TestTally(t *testing.T) {
	tests := []struct {
		of    int
		codes []int
		want  int
	}{
		{1, []int{3}, 3}, {2, []int{3, 3}, 3}, {2, []int{3, 4}, exitMixed}, {2, []int{3}, exitMixed},
	}
	for _, test := range tests {
		if got := (&tally{of: test.of, codes: test.codes}).code(); got != test.want {
			t.Errorf("%v of %d give %d, want %d", test.codes, test.of, got, test.want)
		}
	}
	if (&tally{of: 2}).err() != nil {
		t.Error("nothing failed, and there is an error")
	}
}
