package documents

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

const (
	xmlHead       = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	schemas       = "http://schemas.openxmlformats.org/"
	relationships = schemas + "officeDocument/2006/relationships"
	drawing       = ` xmlns:a="` + schemas + `drawingml/2006/main" xmlns:r="` + relationships + `" xmlns:p="` + schemas + `presentationml/2006/main"`
)

// pack is an office document: an archive of parts, with the lists of who leads to whom.
type pack struct {
	parts map[string]string
	order []string
	types strings.Builder
	leads map[string]string // relations by the part that they lead from
}

func newPack() *pack { return &pack{parts: map[string]string{}, leads: map[string]string{}} }

// add adds a part with its content type, and gives the id of the relation that leads to it from another part; from "" is the package.
func (p *pack) add(from, relation, name, contentType, content string) (id string) {
	p.put(name, xmlHead+content)
	fmt.Fprintf(&p.types, `<Override PartName="/%s" ContentType="%s"/>`, name, contentType)
	id = fmt.Sprintf("r%d", len(p.order))
	p.leads[from] += fmt.Sprintf(`<Relationship Id="%s" Type="%s" Target="/%s"/>`, id, relation, name)
	return id
}

func (p *pack) put(name, content string) {
	if _, ok := p.parts[name]; !ok {
		p.order = append(p.order, name)
	}
	p.parts[name] = content
}

// describe adds what a document says of itself.
func (p *pack) describe(title string) {
	const core = schemas + "package/2006/metadata/core-properties"
	p.add("", schemas+"package/2006/relationships/metadata/core-properties", "docProps/core.xml",
		"application/vnd.openxmlformats-package.core-properties+xml",
		fmt.Sprintf(`<cp:coreProperties xmlns:cp="%s" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>%s</dc:title>`+
			`<dc:creator>Ada Example</dc:creator></cp:coreProperties>`, core, title))
}

// bytes gives the archive.
func (p *pack) bytes() []byte {
	for _, from := range slices.Sorted(maps.Keys(p.leads)) {
		p.put(path.Join(path.Dir(from), "_rels", strings.TrimPrefix(path.Base(from), ".")+".rels"),
			xmlHead+`<Relationships xmlns="`+schemas+`package/2006/relationships">`+p.leads[from]+`</Relationships>`)
	}
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	write := func(name, content string) {
		w, err := archive.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			panic(err) // memory takes everything
		}
	}
	write("[Content_Types].xml", xmlHead+`<Types xmlns="`+schemas+`package/2006/content-types">`+
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+p.types.String()+`</Types>`)
	for _, name := range p.order {
		write(name, p.parts[name])
	}
	if err := archive.Close(); err != nil {
		panic(err) // memory takes everything
	}
	return out.Bytes()
}

const (
	wordType  = "application/vnd.openxmlformats-officedocument.wordprocessingml."
	slideType = "application/vnd.openxmlformats-officedocument.presentationml."
	sheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// writeDOCX writes pages of a heading and paragraphs, with a style sheet, and breaks where Word notes that it had them.
func writeDOCX(a *author, pages int) []byte {
	const main, ns = "word/document.xml", ` xmlns:w="` + schemas + `wordprocessingml/2006/main"`
	p := newPack()
	var s strings.Builder
	s.WriteString(`<w:document` + ns + `><w:body>`)
	for i := range pages {
		broke := ""
		if i > 0 {
			broke = `<w:r><w:br w:type="page"/></w:r><w:r><w:lastRenderedPageBreak/></w:r>`
		}
		fmt.Fprintf(&s, `<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>%s<w:r><w:t>%s</w:t></w:r></w:p>`, broke, a.heading())
		for _, paragraph := range a.paragraphs(pageWords) {
			half := len(paragraph) / 2
			fmt.Fprintf(&s, `<w:p><w:pPr><w:jc w:val="both"/></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">%s</w:t></w:r>`+
				`<w:r><w:t xml:space="preserve">%s</w:t></w:r></w:p>`, paragraph[:half], paragraph[half:])
		}
	}
	s.WriteString(`</w:body></w:document>`)
	p.add("", relationships+"/officeDocument", main, wordType+"document.main+xml", s.String())
	p.add(main, relationships+"/styles", "word/styles.xml", wordType+"styles+xml", `<w:styles`+ns+`>`+
		`<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>`)
	p.describe(a.heading())
	return p.bytes()
}

// writePPTX writes slides of a title and five points.
func writePPTX(a *author, pages int) []byte {
	const main = "ppt/presentation.xml"
	p := newPack()
	p.put(main, "") // before its slides; its content comes when they are known
	var list strings.Builder
	for i := range pages {
		id := p.add(main, relationships+"/slide", fmt.Sprintf("ppt/slides/slide%d.xml", i+1), slideType+"slide+xml", a.slide())
		fmt.Fprintf(&list, `<p:sldId id="%d" r:id="%s"/>`, 256+i, id)
	}
	p.add("", relationships+"/officeDocument", main, slideType+"presentation.main+xml",
		`<p:presentation`+drawing+`><p:sldIdLst>`+list.String()+`</p:sldIdLst></p:presentation>`)
	p.describe(a.heading())
	return p.bytes()
}

func (a *author) slide() string {
	const shape = `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%[2]s"/><p:cNvSpPr/><p:nvPr><p:ph type="%[2]s"/></p:nvPr></p:nvSpPr><p:spPr/>` +
		`<p:txBody><a:bodyPr/>%[3]s</p:txBody></p:sp>`
	line := func(text string) string { return `<a:p><a:r><a:rPr lang="en-US"/><a:t>` + text + `</a:t></a:r></a:p>` }
	var points strings.Builder
	for range 5 {
		points.WriteString(line(a.sentences(11)))
	}
	return `<p:sld` + drawing + `><p:cSld><p:spTree>` + fmt.Sprintf(shape, 2, "title", line(a.heading())) + fmt.Sprintf(shape, 3, "body", points.String()) +
		`</p:spTree></p:cSld></p:sld>`
}

// writeXLSX writes sheets with text in the list that they share, as Excel does.
func writeXLSX(a *author, pages int) []byte {
	const main, ns = "xl/workbook.xml", ` xmlns="` + schemas + `spreadsheetml/2006/main"`
	p := newPack()
	p.put(main, "")
	var list, shared strings.Builder
	strs := 0
	for i := range pages {
		var s strings.Builder
		s.WriteString(`<worksheet` + ns + `><sheetData>`)
		for r := range rows {
			fmt.Fprintf(&s, `<row r="%d">`, r+1)
			for c, cell := range a.row() {
				if c < 3 {
					fmt.Fprintf(&s, `<c r="%c%d" t="s"><v>%d</v></c>`, 'A'+c, r+1, strs)
					shared.WriteString(`<si><t>` + cell + `</t></si>`)
					strs++
				} else {
					fmt.Fprintf(&s, `<c r="%c%d"><v>%s</v></c>`, 'A'+c, r+1, cell)
				}
			}
			s.WriteString(`</row>`)
		}
		id := p.add(main, relationships+"/worksheet", fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), sheetType+"worksheet+xml",
			s.String()+`</sheetData></worksheet>`)
		fmt.Fprintf(&list, `<sheet name="Sheet %d" sheetId="%[1]d" r:id="%[2]s"/>`, i+1, id)
	}
	p.add(main, relationships+"/sharedStrings", "xl/sharedStrings.xml", sheetType+"sharedStrings+xml", `<sst`+ns+`>`+shared.String()+`</sst>`)
	p.add("", relationships+"/officeDocument", main, sheetType+"sheet.main+xml",
		`<workbook`+ns+` xmlns:r="`+relationships+`"><sheets>`+list.String()+`</sheets></workbook>`)
	p.describe(a.heading())
	return p.bytes()
}
