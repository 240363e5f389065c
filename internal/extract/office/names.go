package office

import "strings"

const (
	openxml = "http://schemas.openxmlformats.org/"
	strict  = "http://purl.oclc.org/ooxml/" // the same languages, as ISO renamed them
	oasis   = "urn:oasis:names:tc:opendocument:xmlns:"
)

// prefix gives the usual prefix of a namespace, and "?" for one that has nothing to be read.
func prefix(space string) string {
	switch {
	case strings.HasPrefix(space, oasis):
		return odfPrefix(strings.TrimPrefix(space, oasis))
	case strings.HasPrefix(space, openxml):
		return ooxmlPrefix(strings.Replace(strings.TrimPrefix(space, openxml), "/2006", "", 1))
	case strings.HasPrefix(space, strict):
		return ooxmlPrefix(strings.TrimPrefix(space, strict))
	}
	return otherPrefix(space)
}

func ooxmlPrefix(name string) string {
	switch name {
	case "wordprocessingml/main":
		return "w"
	case "drawingml/main":
		return "a"
	case "drawingml/wordprocessingDrawing":
		return "wp"
	case "presentationml/main":
		return "p"
	case "spreadsheetml/main":
		return "x"
	case "officeDocument/relationships":
		return "r"
	case "package/relationships":
		return "rel"
	case "drawingml/chart":
		return "c"
	case "drawingml/diagram":
		return "dgm"
	case "drawingml/spreadsheetDrawing":
		return "xdr"
	case "officeDocument/math":
		return "m"
	case "markup-compatibility":
		return "mc"
	case "package/metadata/core-properties":
		return "cp"
	case "officeDocument/extended-properties", "officeDocument/extendedProperties":
		return "ep"
	}
	return "?"
}

// odfPrefix drops the version: every namespace of the OpenDocument family ends with one.
func odfPrefix(name string) string {
	name, _, _ = strings.Cut(name, ":")
	switch name {
	case "office", "text", "table", "style", "meta", "presentation", "chart", "manifest":
		return name
	case "drawing":
		return "draw"
	case "xsl-fo-compatible":
		return "fo"
	case "container":
		return "ocf"
	}
	return "?"
}

func otherPrefix(space string) string {
	switch space {
	case "urn:schemas-microsoft-com:vml":
		return "v"
	case "http://schemas.microsoft.com/office/word/2010/wordprocessingShape":
		return "wps"
	case "http://purl.org/dc/elements/1.1/":
		return "dc"
	case "http://purl.org/dc/terms/":
		return "dcterms"
	case "http://www.idpf.org/2007/opf":
		return "opf"
	case "http://www.idpf.org/2007/ops":
		return "epub"
	case "http://www.daisy.org/z3986/2005/ncx/":
		return "ncx"
	case "http://www.w3.org/1999/xhtml":
		return "html"
	case "http://www.w3.org/2001/04/xmlenc#":
		return "enc"
	case "http://www.w3.org/XML/1998/namespace", "xml":
		return "xml"
	case "http://www.w3.org/1999/xlink":
		return "xlink"
	}
	return "?"
}
