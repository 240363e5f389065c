package office

import (
	"strings"
	"testing"
)

// slide is the content of a slide's part: shapes in a tree.
func slidePart(attrs, shapes string) string {
	return xmlHead + `<p:sld` + ooxmlNS + attrs + `><p:cSld><p:spTree><p:nvGrpSpPr/><p:grpSpPr/>` + shapes + `</p:spTree></p:cSld></p:sld>`
}

// shapeOf is a shape; place is the element that makes it a placeholder, or "".
func shapeOf(place, text string) string {
	return `<p:sp><p:nvSpPr><p:cNvPr id="2" name="n"/><p:nvPr>` + place + `</p:nvPr></p:nvSpPr><p:txBody>` + text + `</p:txBody></p:sp>`
}

func drawn(properties, text string) string {
	return `<a:p>` + properties + `<a:r><a:rPr lang="en-GB"/><a:t>` + text + `</a:t></a:r></a:p>`
}

// pptxFile makes a presentation with these slides; slide n leads to what is named in links[n].
func pptxFile(slides []string, links map[int][]string, more ...string) parts {
	list, own := "", []string{}
	var p parts
	for i, content := range slides {
		name := "ppt/slides/slide" + string(rune('1'+i)) + ".xml"
		id := "rId" + string(rune('1'+i))
		list += `<p:sldId id="25` + string(rune('1'+i)) + `" r:id="` + id + `"/>`
		own = append(own, id, "slide", "slides/slide"+string(rune('1'+i))+".xml")
		p = append(p, name, content)
		if l := links[i]; l != nil {
			p = append(p, "ppt/slides/_rels/slide"+string(rune('1'+i))+".xml.rels", rels(l...))
		}
	}
	main := xmlHead + `<p:presentation` + ooxmlNS + `><p:sldIdLst>` + list + `</p:sldIdLst></p:presentation>`
	p = append(p, "_rels/.rels", rels("d", "officeDocument", "ppt/presentation.xml"), "ppt/presentation.xml", main, "ppt/_rels/presentation.xml.rels", rels(own...))
	return append(p, more...)
}

func TestPptxSlides(t *testing.T) {
	table := `<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblGrid/><a:tr><a:tc><a:txBody>` + drawn("", "k") + `</a:txBody></a:tc><a:tc><a:txBody>` + drawn("", "v") +
		`</a:txBody></a:tc></a:tr><a:tr><a:tc gridSpan="2"><a:txBody>` + drawn("", "both") + `</a:txBody></a:tc><a:tc hMerge="1"><a:txBody><a:p/></a:txBody></a:tc></a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>`
	r := mustRead(t, "pptx", pptxFile([]string{
		slidePart("", shapeOf(`<p:ph type="ftr" idx="3"/>`, drawn("", "Company"))+shapeOf(`<p:ph type="sldNum"/>`, drawn("", "1"))+
			shapeOf(`<p:ph type="ctrTitle"/>`, `<a:p><a:r><a:t>The</a:t></a:r><a:br/><a:r><a:t>title</a:t></a:r></a:p>`)+shapeOf("", drawn("", "Free text"))),
		slidePart(` show="0"`, shapeOf(`<p:ph type="title"/>`, drawn("", "Second"))+shapeOf(`<p:ph type="ftr" idx="3"/>`, drawn("", "Company"))+
			`<p:grpSp>`+shapeOf("", drawn("", "in a group"))+`</p:grpSp>`+table+`<p:pic><p:nvPicPr><p:cNvPr descr="A cat&#10;on a mat"/></p:nvPicPr></p:pic>`),
	}, map[int][]string{0: {"n", "notesSlide", "../notesSlides/notesSlide1.xml"}},
		"ppt/notesSlides/notesSlide1.xml", xmlHead+`<p:notes`+ooxmlNS+`><p:cSld><p:spTree>`+shapeOf(`<p:ph type="sldImg"/>`, "")+
			shapeOf(`<p:ph type="body" idx="1"/>`, drawn("", "Say this.")+drawn("", "Then that."))+shapeOf(`<p:ph type="sldNum"/>`, drawn("", "1"))+`</p:spTree></p:cSld></p:notes>`,
	))
	wantText(t, r, "# The title\n\nCompany\n\nFree text\n\nNotes:\n\nSay this.\n\nThen that.\n=====\n"+
		"(hidden slide)\n\n# Second\n\nin a group\n\n| k | v |\n| --- | --- |\n| both | |\n\nA cat on a mat")
	wantLabels(t, r, "The title", "Second")
	if r.Expected != 2 || r.doc.Language != "en-GB" {
		t.Errorf("expected %d, language %q", r.Expected, r.doc.Language)
	}
}

func TestPptxOrder(t *testing.T) {
	f := pptxFile([]string{slidePart("", shapeOf("", drawn("", "one"))), slidePart("", shapeOf("", drawn("", "two")))}, nil)
	for i := range f {
		if strings.HasPrefix(f[i], xmlHead+"<p:presentation") {
			f[i] = strings.Replace(f[i], `<p:sldId id="251" r:id="rId1"/><p:sldId id="252" r:id="rId2"/>`,
				`<p:sldId id="9" r:id="rId2"/><p:sldId id="8" r:id="rId1"/><p:sldId id="7" r:id="rId2"/><p:sldId id="6" r:id="gone"/>`, 1)
		}
	}
	wantText(t, mustRead(t, "pptx", f), "two\n=====\none")
}

const (
	masterPart = xmlHead + `<p:sldMaster` + ooxmlNS + `><p:cSld><p:spTree>` + `</p:spTree></p:cSld><p:txStyles><p:bodyStyle>` +
		`<a:lvl1pPr><a:buChar char="•"/></a:lvl1pPr><a:lvl2pPr><a:buChar char="–"/></a:lvl2pPr></p:bodyStyle></p:txStyles></p:sldMaster>`
	layoutPart = xmlHead + `<p:sldLayout` + ooxmlNS + `><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph type="subTitle" idx="1"/></p:nvPr></p:nvSpPr><p:txBody>` +
		`<a:lstStyle><a:lvl1pPr><a:buNone/></a:lvl1pPr></a:lstStyle></p:txBody></p:sp><p:sp><p:nvSpPr><p:nvPr><p:ph idx="7"/></p:nvPr></p:nvSpPr><p:txBody>` +
		`<a:lstStyle><a:lvl1pPr><a:buAutoNum type="romanLcPeriod"/></a:lvl1pPr></a:lstStyle></p:txBody></p:sp></p:spTree></p:cSld></p:sldLayout>`
)

func TestPptxLists(t *testing.T) {
	const level2 = `<a:pPr lvl="1"/>`
	r := mustRead(t, "pptx", pptxFile([]string{slidePart("", shapeOf(`<p:ph idx="2"/>`,
		drawn("", "first")+drawn(level2, "deeper")+drawn(`<a:pPr><a:buNone/></a:pPr>`, "plain")+
			drawn(`<a:pPr><a:buAutoNum type="alphaUcParenR" startAt="3"/></a:pPr>`, "third")+drawn(level2, "inside")+
			drawn(`<a:pPr><a:buAutoNum type="alphaUcParenR" startAt="3"/></a:pPr>`, "fourth"))+
		shapeOf(`<p:ph type="subTitle" idx="1"/>`, drawn("", "subtitle"))+
		shapeOf(`<p:ph idx="7"/>`, drawn("", "roman")+drawn("", "more"))+
		shapeOf("", drawn("", "no placeholder"))+
		shapeOf("", `<a:lstStyle><a:lvl1pPr><a:buAutoNum type="arabicParenBoth"/></a:lvl1pPr></a:lstStyle>`+drawn("", "own style")))},
		map[int][]string{0: {"l", "slideLayout", "../slideLayouts/slideLayout1.xml"}},
		"ppt/slideLayouts/slideLayout1.xml", layoutPart, "ppt/slideLayouts/_rels/slideLayout1.xml.rels", rels("m", "slideMaster", "../slideMasters/slideMaster1.xml"),
		"ppt/slideMasters/slideMaster1.xml", masterPart))
	wantText(t, r, `- first
    - deeper

plain

C) third
    - inside
D) fourth

subtitle

i. roman
ii. more

no placeholder

(1) own style`)
}

func TestPptxDamagedSlide(t *testing.T) {
	wantText(t, mustRead(t, "pptx", pptxFile([]string{slidePart("", shapeOf("", drawn("", "good"))), "<p:sld", slidePart("", shapeOf("", drawn("", "too")))}, nil)), "good\n=====\n\n=====\ntoo")
}

func TestPptxScripts(t *testing.T) {
	shifted := func(baseline, text string) string {
		return `<a:r><a:rPr baseline="` + baseline + `"/><a:t>` + text + `</a:t></a:r>`
	}
	wantText(t, mustRead(t, "pptx", pptxFile([]string{slidePart("", shapeOf("", `<a:p>`+shifted("0", "m")+shifted("30000", "2")+shifted("0", " H")+shifted("-25000", "2")+
		shifted("0", "O 1")+shifted("30%", "st")+`</a:p>`))}, nil)), "m² H₂O 1^(st)")
}
