package mail_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
	"github.com/satchel-files/satchel/internal/extract/mail"
)

func extractMail(t testing.TB, content, contentType string) (*extracttest.Book, satchel.Document, error) {
	t.Helper()
	var b extracttest.Book
	doc, err := mail.Format{}.Extract(t.Context(), extracttest.Input(content, contentType), &b)
	return &b, doc, err
}

func read(t testing.TB, content string) (*extracttest.Book, satchel.Document) {
	t.Helper()
	return extracttest.Read(t, mail.Format{}, content, "message/rfc822")
}

// multipart puts parts together.
func multipart(kind, boundary string, parts ...string) string {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/" + kind + "; boundary=\"" + boundary + "\"\n\npreamble\n")
	for _, part := range parts {
		b.WriteString("--" + boundary + "\n" + part + "\n")
	}
	b.WriteString("--" + boundary + "--\nepilogue\n")
	return b.String()
}

func plain(text string) string { return "Content-Type: text/plain; charset=utf-8\n\n" + text }

func html(text string) string { return "Content-Type: text/html; charset=utf-8\n\n" + text }

func TestMails(t *testing.T) {
	const head = "From: Anna <anna@example.org>\nSubject: Rent\n"
	const top = "# Rent\n\n- From: Anna <anna@example.org>\n"
	const png = "Content-Type: image/png; name=logo.png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="
	long := strings.Repeat("The text as it was meant. ", 40)
	for _, c := range []struct{ name, content, want string }{
		{"a plain one", head + "To: Bo <bo@example.org>,\n  \"C, D\" <c@example.org>\nCc: e@example.org\nDate: Wed, 1 May 2024 10:30:00 +0300 (EEST)\n\nHello\nBo\n",
			top + "- To: Bo <bo@example.org>, \"C, D\" <c@example.org>\n- Cc: e@example.org\n- Date: 2024-05-01 10:30 +03:00\n\nHello\nBo\n"},
		{"with CRLF", strings.ReplaceAll(head+"\nHello\n", "\n", "\r\n"), top + "\nHello\n"},
		{"a date that is none", head + "Date: someday\n\nx", top + "- Date: someday\n\nx\n"},
		{"without a subject", "From: a@example.org\n\nx", "- From: a@example.org\n\nx\n"},
		{"without a text", head, top},
		{"encoded words", "Subject: =?utf-8?B?UsSTxLdpbnM=?= =?iso-8859-1?Q?_f=FCr?= =?windows-1257?Q?_R=EEga?=\n\nx", "# Rēķins für Rīga\n\nx\n"},
		{"a raw header", "Subject: R\xEEga ir skaista pils\xE7ta\n\nx", "# Rīga ir skaista pilsēta\n\nx\n"},
		{"a header in UTF-8", "Subject: Rīga\n\nx", "# Rīga\n\nx\n"},

		{"quoted printable", head + "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nM=FCller =\nund S=F6hne", top + "\nMüller und Söhne\n"},
		{"base64", head + "Content-Type: text/plain; charset=windows-1257\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("R\xEEga")), top + "\nRīga\n"},
		{"broken base64", head + "Content-Transfer-Encoding: base64\n\nSGVsbG8*gd29ybGQ", top + "\nHello world\n"},
		{"no charset", head + "\nR\xEEga ir skaista pils\xE7ta pie lielas upes, un \xF0odien saule sp\xEEd", top + "\nRīga ir skaista pilsēta pie lielas upes, un šodien saule spīd\n"},
		{"a charset that is a lie", head + "Content-Type: text/plain; charset=us-ascii\n\nRīga", top + "\nRīga\n"},
		{"an unknown charset", head + "Content-Type: text/plain; charset=no-such\n\nRīga", top + "\nRīga\n"},
		{"lines that were broken", head + "Content-Type: text/plain; format=flowed\n\nOne \nline\n> quoted \n> too\n>> not \n> this\n-- \nAnna", top + "\nOne line\n> quoted too\n>> not \n> this\n-- \nAnna\n"},
		{"lines that were broken in words", head + "Content-Type: text/plain; format=flowed; delsp=yes\n\nlong \nword", top + "\nlongword\n"},

		{"HTML", head + html("<h1>Hi</h1><p>1 &lt; 2<script>x</script>"), top + "\n# Hi\n\n1 < 2\n"},
		{"both", head + multipart("alternative", "b", plain(long), html("<p>"+long)), top + "\n" + strings.TrimSpace(long) + "\n"},
		{"both, but the plain one says nothing", head + multipart("alternative", "b", plain("Please look at the HTML."), html("<p>"+long)), top + "\n" + strings.TrimSpace(long) + "\n"},
		{"both, and pictures", head + multipart("alternative", "b", plain(long), multipart("related", "c", html("<p>x"), png)), top + "\n" + strings.TrimSpace(long) + "\n"},
		{"HTML with pictures", head + multipart("related", "c", html("<p>x <img src=cid:logo alt=Logo>"), png), top + "\nx Logo\n"},
		{"alternatives for other programs", head + multipart("alternative", "b", plain("x"), "Content-Type: text/x-amp-html\n\n<p>y"), top + "\nx\n"},
		{"an invitation for a calendar alone", head + multipart("alternative", "b", "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\nBEGIN:VCALENDAR\nSUMMARY:Größe\nEND:VCALENDAR"),
			top + "\nBEGIN:VCALENDAR\nSUMMARY:Größe\nEND:VCALENDAR\n"},
		{"an invitation, and its text", head + multipart("alternative", "b", "Content-Type: text/calendar\n\nBEGIN:VCALENDAR", html("<p>Come!")), top + "\nCome!\n"},
		{"both, and the HTML is too deep", head + multipart("alternative", "b", plain("x"), html(strings.Repeat("<div>", 600))), top + "\nx\n"},

		{"attachments", head + multipart("mixed", "b", plain("See below."),
			"Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"=?utf-8?Q?r=C4=93=C4=B7ins.pdf?=\"\nContent-Transfer-Encoding: base64\n\n"+base64.StdEncoding.EncodeToString(make([]byte, 2500)),
			"Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''R%C4%ABga.txt\n\nnot read", "Content-Type: application/x-thing\n\nx", plain("Bye.")),
			top + "\nSee below.\n\nBye.\n\n## Attachments\n\n- rēķins.pdf (application/pdf, 2.5 kB)\n- Rīga.txt (text/plain, 8 B)\n- without a name (application/x-thing, 1 B)\n"},
		{"an attachment alone", head + "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\nx", top + "\n## Attachments\n\n- a.pdf (application/pdf, 1 B)\n"},
		{"a text that is none", head + plain("\x01\x02\x03\x04\x05"), top + "\n## Attachments\n\n- without a name (text/plain, 5 B)\n"},
		{"signed", head + multipart("signed", "b", plain("x"), "Content-Type: application/pgp-signature; name=s.asc\n\ny"), top + "\nx\n"},
		{"a report", head + multipart("report", "b", plain("Not delivered."), "Content-Type: message/delivery-status\n\nAction: failed"), top + "\nNot delivered.\n\nAction: failed\n"},
		{"parts that are not closed", head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + plain("x"), top + "\nx\n"},
		{"no header at all", "Message removed\n\nby somebody\n", "Message removed\n\nby somebody\n"},
		{"parts without a boundary", head + "Content-Type: multipart/mixed\n\nx", top + "\nx\n"},
		{"a page that was saved", "From: <Saved by a browser>\nSubject: Page\n" + multipart("related", "b", html("<p>x"), "Content-Type: text/css\nContent-Location: cid:a\n\ny"),
			"# Page\n\n- From: <Saved by a browser>\n\nx\n"},
	} {
		b, _ := read(t, c.content)
		if len(b.Pages) != 1 || b.Pages[0].Text != c.want || b.Pages[0].Label != "" {
			t.Errorf("%s:\n%v\nwant:\n%s", c.name, b.Pages, c.want)
		}
	}
}

func TestMailsInMails(t *testing.T) {
	inner := "From: Bo <bo@example.org>\nSubject: Inner\n\nfrom Bo"
	b, _ := read(t, "Subject: Outer\n"+multipart("mixed", "b", plain("see"), "Content-Type: message/rfc822\n\n"+inner))
	want := []extract.Page{
		{Text: "# Outer\n\nsee\n\n## Attachments\n\n- Inner (message/rfc822, 49 B)\n"},
		{Label: "Inner", Text: "# Inner\n\n- From: Bo <bo@example.org>\n\nfrom Bo\n"},
	}
	if !cmp.Equal(b.Pages, want) {
		t.Error(cmp.Diff(want, b.Pages))
	}
	deep := "Subject: 9\n\nthe last"
	for i := 8; i > 0; i-- {
		deep = fmt.Sprintf("Subject: %d\n", i) + multipart("mixed", fmt.Sprintf("b%d", i), "Content-Type: message/rfc822\n\n"+deep)
	}
	if b, _ = read(t, deep); len(b.Pages) != 5 || b.Pages[4].Label != "5" || !strings.Contains(b.Pages[4].Text, "message/rfc822") {
		t.Errorf("%d pages of mails in mails: %q", len(b.Pages), b.Pages)
	}
	if b, _ = read(t, "Subject: Outer\n"+multipart("report", "b", "Content-Type: message/rfc822\n\nMessage removed")); len(b.Pages) != 2 || b.Pages[1].Text != "Message removed\n" {
		t.Errorf("a mail that was removed from a mail: %q", b.Pages)
	}
	sealed := "Subject: Sealed\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx"
	if b, _ = read(t, "Subject: Outer\n"+multipart("mixed", "b", "Content-Type: message/rfc822\n\n"+sealed)); len(b.Pages) != 2 ||
		b.Pages[1].Text != "# Sealed\n\nThis mail is encrypted.\n" {
		t.Errorf("a sealed mail within a mail: %q", b.Pages)
	}
}

func TestWhatMailsSay(t *testing.T) {
	_, doc := read(t, "From: Anna <anna@example.org>\nTo: b@example.org\nCc: c@example.org\nSubject: Rent\nDate: Wed, 1 May 2024 10:30:00 +0300\n"+
		"Message-ID: <1@example.org>\nContent-Language: lv\n\nx")
	want := satchel.Document{
		Format: "eml", Title: "Rent", Author: "Anna <anna@example.org>", Language: "lv", Created: time.Date(2024, 5, 1, 7, 30, 0, 0, time.UTC),
		Properties: map[string]string{"to": "b@example.org", "cc": "c@example.org", "message-id": "<1@example.org>"},
	}
	if !cmp.Equal(doc, want) {
		t.Error(cmp.Diff(want, doc))
	}
}

func TestMailboxes(t *testing.T) {
	const from = "From anna@example.org Wed May  1 10:30:00 2024\n"
	sealed := "Subject: Sealed\n" + multipart("encrypted", "b", "Content-Type: application/pgp-encrypted\n\nVersion: 1", "Content-Type: application/octet-stream\n\nx")
	box := from + "Subject: One\n\nFrom here on, all is text.\n\nFrom nowhere\n>From the file\n>>From x\n\n" + from + sealed + "\n" + from +
		"Subject: Three\n\nx\n\n" + from + "Subject: Deep\n" + html(strings.Repeat("<div>", 600)) + "\n"
	b, doc, err := extractMail(t, box, "application/mbox")
	if err != nil {
		t.Fatal(err)
	}
	want := []extract.Page{
		{Label: "One", Text: "# One\n\nFrom here on, all is text.\n\nFrom nowhere\nFrom the file\n>From x\n"},
		{Label: "Sealed", Text: "# Sealed\n\nThis mail is encrypted.\n"},
		{Label: "Three", Text: "# Three\n\nx\n"},
		{Text: "the document is too complex to be read: its elements are nested more than 512 deep; split it into smaller documents\n"},
	}
	if !cmp.Equal(b.Pages, want) {
		t.Error(cmp.Diff(want, b.Pages))
	}
	if wantDoc := (satchel.Document{Format: "mbox", Properties: map[string]string{"messages": "4"}}); !cmp.Equal(doc, wantDoc) {
		t.Error(cmp.Diff(wantDoc, doc))
	}

	b, doc, err = extractMail(t, from+"Subject: One\n\nx\n", "application/mbox")
	if err != nil || doc.Title != "One" || doc.Format != "eml" || len(b.Pages) != 1 || b.Pages[0].Label != "" {
		t.Errorf("a mailbox of one mail: %v, %+v, %q", err, doc, b.Pages)
	}
}

func TestEncryptedMails(t *testing.T) {
	envelope := base64.StdEncoding.EncodeToString([]byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80"))
	for name, content := range map[string]string{
		"S/MIME":             "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n" + envelope,
		"S/MIME by content":  "Content-Type: application/x-pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n" + envelope,
		"PGP/MIME":           multipart("encrypted", "b", "Content-Type: application/pgp-encrypted\n\nVersion: 1", "Content-Type: application/octet-stream\n\nx"),
		"PGP in the text":    plain("\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"),
		"sealed with a foot": multipart("mixed", "b", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx", plain("sent by a list")),
	} {
		for _, prefix := range []struct{ line, contentType string }{{"", "message/rfc822"}, {"From a Wed May 1 10:30:00 2024\n", "application/mbox"}} {
			b, doc, err := extractMail(t, prefix.line+"Subject: Secret\n"+content, prefix.contentType)
			if satchel.CodeOf(err) != satchel.CodeDocumentEncrypted || len(b.Pages) > 0 || doc.Title != "Secret" {
				t.Errorf("%s as %s: %v, %q, %+v", name, prefix.contentType, err, b.Pages, doc)
			}
		}
	}
	signed := "Subject: Open\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\nx"
	if b, _ := read(t, signed); b.Pages[0].Text != "# Open\n\n## Attachments\n\n- smime.p7m (application/pkcs7-mime, 1 B)\n" {
		t.Errorf("a mail that is signed, and not to be read: %q", b.Pages)
	}
}

func TestWhatIsTooComplex(t *testing.T) {
	nested := "text"
	for i := range 150 {
		nested = multipart("mixed", fmt.Sprintf("b%d", i), nested)
	}
	for name, content := range map[string]string{
		"parts in parts":             "Subject: x\n" + nested,
		"parts that are not closed":  "Subject: x\n" + unclosed(40, "boundary="),
		"parts that others close":    "Subject: x\n" + unclosed(40, "boundary=") + "\n--b0--\n",
		"parts hidden from the scan": "Subject: x\n" + unclosed(40, "boundary*0=b;boundary*1="),
		"many parts":                 "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 30_000),
		"a long mail":                "Subject: x\n\n" + strings.Repeat("words and words\n", 5<<20),
		"deep HTML":                  html(strings.Repeat("<div>", 600)),
	} {
		b, _, err := extractMail(t, content, "message/rfc822")
		if satchel.CodeOf(err) != satchel.CodeDocumentTooComplex || len(b.Pages) > 0 {
			t.Errorf("%s: %v, %d pages", name, err, len(b.Pages))
		}
	}
	if _, _, err := extractMail(t, "From x 10:30\n"+strings.Repeat("words and words\n", 5<<20), "application/mbox"); satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
		t.Errorf("a long mail in a mailbox: %v", err)
	}
}

// unclosed nests multiparts whose boundaries are never closed.
func unclosed(levels int, parameter string) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed;\n %sb%d\n\n--%sb%d\n", parameter, i, strings.Repeat("b", strings.Count(parameter, "=b")), i)
	}
	return b.String() + plain("the last")
}

func TestNesting(t *testing.T) {
	fake := strings.Repeat("Content-Type: multipart/mixed; boundary=z\n\n--z\n", 30)
	wide := make([]string, 40)
	for i := range wide {
		wide[i] = multipart("mixed", fmt.Sprintf("c%d", i), plain("x"))
	}
	for _, c := range []struct{ name, content, want string }{
		{"twelve levels that are not closed", "Subject: x\n" + unclosed(12, "boundary="), "# x\n\nthe last\n"},
		{"a text about parts", "Subject: x\n" + multipart("mixed", "b", plain(fake), plain("end")), "# x\n\n" + fake + "\nend\n"},
		{"many beside each other", "Subject: x\n" + multipart("mixed", "b", wide...), "# x\n" + strings.Repeat("\nx\n", 40)},
		{"a boundary that no program writes", "Subject: x\nContent-Type: multipart/mixed; boundary=" + strings.Repeat("b", 5000) + "\n\ntext\n", "# x\n\ntext\n"},
	} {
		if b, _ := read(t, c.content); len(b.Pages) != 1 || b.Pages[0].Text != c.want {
			t.Errorf("%s: %q, want %q", c.name, b.Pages, c.want)
		}
	}
}

func TestWhatIsBroken(t *testing.T) {
	if _, _, err := extractMail(t, "no mail\x00\x01\x02\x03", "message/rfc822"); satchel.CodeOf(err) != satchel.CodeDocumentBroken {
		t.Errorf("got %v", err)
	}
}

func TestLongMailsAreCut(t *testing.T) {
	body := strings.Repeat("Some words of a long mail.\n", 10_000)
	b, _ := read(t, "Subject: Long\n\n"+body)
	all := b.Text()
	if len(b.Pages) < 3 || len(b.Pages) > 5 || all != "# Long\n\n"+body {
		t.Errorf("%d pages, %d bytes", len(b.Pages), len(all))
	}
}

func TestNothing(t *testing.T) {
	for _, contentType := range (mail.Format{}).Types() {
		if b, _, err := extractMail(t, "\n\n", contentType); err != nil || len(b.Pages) != 0 {
			t.Errorf("%s: %v, %q", contentType, err, b.Pages)
		}
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestErrorsAreHandedOn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, contentType := range (mail.Format{}).Types() {
		in := extract.Input{SectionReader: io.NewSectionReader(unreadable{}, 0, 100), Type: contentType}
		if _, err := (mail.Format{}).Extract(t.Context(), in, &extracttest.Book{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", contentType, err)
		}
		if _, err := (mail.Format{}).Extract(ctx, extracttest.Input("Subject: x\n"+html("<p>x"), contentType), &extracttest.Book{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: %v", contentType, err)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte("Subject: =?utf-8?Q?a?=\n"+multipart("mixed", "b", plain("x"), "Content-Type: message/rfc822\n\nSubject: y\n\nz")), false)
	f.Add([]byte("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n<p>=EE\n--b--"), false)
	f.Add([]byte("From a 10:30\nContent-Type: text/plain; format=flowed\n\nx \ny\n\nFrom b 10:31\n\n>From z"), true)
	f.Add([]byte("Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHA6CA"), false)
	f.Fuzz(func(t *testing.T, content []byte, box bool) {
		contentType := "message/rfc822"
		if box {
			contentType = "application/mbox"
		}
		b, doc, err := extractMail(t, string(content), contentType)
		if err != nil && satchel.CodeOf(err) == satchel.CodeInternal {
			t.Fatal(err)
		}
		for _, p := range append(b.Pages, extract.Page{Label: doc.Title, Text: doc.Author}) {
			if !utf8.ValidString(p.Label+p.Text) || strings.ContainsAny(p.Label+p.Text, "\x00\r") {
				t.Errorf("%q gave %q", content, p)
			}
		}
	})
}
