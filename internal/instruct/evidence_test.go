package instruct

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

// pages is a Text of its own pages, with one byte between them. Images are by page number.
type pages struct {
	texts  []string
	images map[int]string
}

func text(texts ...string) pages { return pages{texts: texts} }

func (p pages) Pages() []satchel.TextPage {
	var all []satchel.TextPage
	offset := int64(0)
	for i, t := range p.texts {
		all = append(all, satchel.TextPage{Number: i + 1, Characters: len([]rune(t)), Offset: offset, Length: int64(len(t))})
		offset += int64(len(t)) + 1
	}
	return all
}

func (p pages) Read(_ context.Context, offset, length int64) (string, error) {
	return strings.Join(p.texts, "\f")[offset : offset+length], nil
}

func (p pages) Image(_ context.Context, n int) ([]byte, error) {
	if image, ok := p.images[n]; ok {
		return []byte(image), nil
	}
	return nil, nil
}

func TestEvidence(t *testing.T) {
	for _, c := range []struct {
		name, text string
		value      any
		quote      string // empty: there must be none
	}{
		{"a word in other case", "Sent by ACME LTD. yesterday", "Acme Ltd", "Sent by ACME LTD. yesterday"},
		{"over a line break", "the firm Northwind\nTraders paid", "Northwind Traders", "the firm Northwind\nTraders paid"},
		{"a parted word", "an exam-\nple here", "example", "an exam-\nple here"},
		{"without its diacritics", "Herr MUELLER und Herr Muller", "Müller", "Herr MUELLER und Herr Muller"},
		{"other punctuation", "Dock Road 17,\nLiverpool", "Dock Road 17 Liverpool", "Dock Road 17,\nLiverpool"},
		{"an IBAN", "IBAN: GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819", "IBAN: GB29 NWBK 6016 1331 9268 19"},
		{"a phone number", "Tel. (+371) 67-123-456", "+371 67 123 456", "Tel. (+371) 67-123-456"},
		{"an English amount", "Total due 1,481.40 GBP", json.Number("1481.4"), "Total due 1,481.40 GBP"},
		{"a German amount", "Kaution 2.226,00 EUR", json.Number("2226"), "Kaution 2.226,00 EUR"},
		{"a Latvian amount", "budžets 1 250 000 EUR", json.Number("1250000"), "budžets 1 250 000 EUR"},
		{"millions", "revenue of 2.4 million euros", json.Number("2400000"), "revenue of 2.4 million euros"},
		{"a share", "a rate of 19 %", json.Number("0.19"), "a rate of 19 %"},
		{"an amount as text", "Summe: 1.234,50 €", "1234.50 EUR", "Summe: 1.234,50 €"},
		{"an exponent", "costs 1,500", json.Number("1.5e3"), "costs 1,500"},
		{"a written date", "signed on 5 March 2026 in Riga", "2026-03-05", "signed on 5 March 2026 in Riga"},
		{"a Latvian date", "Rīgā, 2026. gada 5. martā", "2026-03-05", "Rīgā, 2026. gada 5. martā"},
		{"a Russian date", "от 5 марта 2026 г.", "2026-03-05", "от 5 марта 2026 г."},
		{"a date in figures", "on 05.03.2026", "2026-03-05", "on 05.03.2026"},
		{"a month", "in März 2026", "2026-03", "in März 2026"},
		{"a moment", "5 March 2026, 14:30", "2026-03-05T14:30:00Z", "5 March 2026, 14:30"},
		{"Chinese", "甲方:上海纸业有限公司,乙方", "上海纸业有限公司", "甲方:上海纸业有限公司,乙方"},
		{"the first leaf of a tree", "Ilze and Jānis", map[string]any{"a": "nobody", "b": []any{"Jānis", "Ilze"}}, "Ilze and Jānis"},
		{"a currency sign", "99 €", "€", "99 €"},

		{"not in the text", "Sent by ACME", "Globex", ""},
		{"a part of a word", "Annabel", "Anna", ""},
		{"a part of a number", "20125 and 1.5", json.Number("5"), ""},
		{"another number", "1,481.40", json.Number("1481.5"), ""},
		{"another day", "5 March 2026", "2026-03-06", ""},
		{"another time", "5 March 2026, 14:30", "2026-03-05T15:00:00Z", ""},
		{"a truth", "true", true, ""},
		{"nothing", "null", nil, ""},
		{"two letters of another case", "la maison de Jean", "DE", ""},
		{"an empty text", "", "a", ""},
		{"an enormous exponent", "1", json.Number("1e999999999"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := FindAll(t.Context(), text("cover", c.text), map[string]any{"key": c.value})
			if err != nil {
				t.Fatal(err)
			}
			got, ok := found["key"]
			if ok != (c.quote != "") || got.Quote != c.quote {
				t.Errorf("quote %q, want %q", got.Quote, c.quote)
			}
			if ok && got.Page != 2 {
				t.Errorf("page %d, want 2", got.Page)
			}
		})
	}
}

func TestEvidencePrefersTheKeysPlace(t *testing.T) {
	p := newPassage(1, "Gaskets 100.00\nDue date: 1 May 2026\nShipping 20.00\nGrand total: 100.00\nIssued 1 May 2026")
	for _, c := range []struct {
		key   string
		value any
		want  string
	}{
		{"total", json.Number("100"), "Grand total: 100.00"},
		{"amount", json.Number("100"), "Gaskets 100.00"},
		{"due_date", "2026-05-01", "Due date: 1 May 2026"},
		{"issued", "2026-05-01", "Issued 1 May 2026"},
	} {
		if got, ok := Find(1, p.original, c.key, c.value); got.Quote != c.want || !ok {
			t.Errorf("%s: %q, want %q", c.key, got.Quote, c.want)
		}
	}
}

func TestQuotesAreShortAndWhole(t *testing.T) {
	long := strings.Repeat("wörter davor ", 40) + "NADEL-77 im Heu" + strings.Repeat(" und danach", 40)
	got, ok := newPassage(3, long).evidence("NADEL-77", nil)
	if !ok || len(got.Quote) > maxQuote || !strings.Contains(long, got.Quote) || !strings.Contains(got.Quote, "NADEL-77 im Heu") {
		t.Errorf("quote %q", got.Quote)
	}
	value := strings.TrimSpace(strings.Repeat("a long value ", 40))
	got, ok = newPassage(3, "x "+value+" y").evidence(value, nil)
	if !ok || got.Quote != value {
		t.Errorf("quote of a long value: %q", got.Quote)
	}
}

func TestFindAllReadsLargePagesInStretches(t *testing.T) {
	filler := strings.Repeat("Lorem ipsum dolor sit amet, Gänse und Öl. ", 8000) // 350 KB
	largest := int64(0)
	doc := measured{text("first", filler+"\nThe code is ZX-9981 here.\n"+filler), &largest}
	found, err := FindAll(t.Context(), doc, map[string]any{"code": "ZX-9981", "other": "no such thing"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found["code"] != (Evidence{2, "The code is ZX-9981 here."}) {
		t.Errorf("found %v", found)
	}
	if largest > searchStretch+searchOverlap {
		t.Errorf("%d bytes were read at once", largest)
	}
}

// measured remembers the longest part that was read.
type measured struct {
	pages
	largest *int64
}

func (m measured) Read(ctx context.Context, offset, length int64) (string, error) {
	*m.largest = max(*m.largest, length)
	return m.pages.Read(ctx, offset, length)
}

func TestFindAllSeesWhatTwoStretchesShare(t *testing.T) {
	for _, shift := range []int{-30, -11, -5, 0, 3} {
		filler := strings.Repeat("x", searchStretch+shift-1) + " "
		found, err := FindAll(t.Context(), text(filler+"Harbor Lights 12,345.60 EUR"), map[string]any{"a": "Harbor Lights", "b": json.Number("12345.6"), "c": json.Number("345.6")})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 2 {
			t.Errorf("shift %d: %v", shift, found)
		}
	}
}

func ExampleFindAll() {
	found, err := FindAll(context.Background(), text("Invoice", "Total due: 1.481,40 EUR"), map[string]any{"total": json.Number("1481.4")})
	fmt.Println(found["total"].Page, found["total"].Quote, err)
	// Output: 2 Total due: 1.481,40 EUR <nil>
}

func FuzzEvidence(f *testing.F) {
	f.Add("Total due 1,481.40 on 5 March 2026", "1481.4", "2026-03-05")
	f.Add("Mu\u0308n-\nchen \xff 上海", "München", "上海")
	f.Add("(1 2|3)", "12", "a b")
	f.Fuzz(func(t *testing.T, body, number, value string) {
		p := newPassage(1, body)
		for _, v := range []any{value, json.Number(number), number} {
			got, ok := p.evidence(v, hintsOf("total_due"))
			if !ok {
				continue
			}
			if got.Quote == "" || !strings.Contains(body, got.Quote) || len(got.Quote) > maxQuote+maxSought*6 {
				t.Fatalf("quote %q of %q in %q", got.Quote, v, body)
			}
		}
	})
}
