package extract

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"io"
	"path"
	"strings"
)

const (
	typeZip = "application/zip"

	maxDirectory = 16 << 20 // bytes of an archive that are read to find its parts
	maxTypePart  = 1 << 20  // bytes of a part that says what the archive is
)

// detectZip looks into the directory of a zip archive, for documents of office programs are told by their parts. Found is what the first
// entries alone say; it stays where the directory says nothing. Where there is none, because the archive is damaged, the name may say which
// document it was.
func detectZip(in *io.SectionReader, found, filename string) string {
	archive, err := zip.NewReader(&ration{in, maxDirectory}, in.Size())
	if err != nil && !errors.Is(err, errRation) && found == typeZip {
		return cmp.Or(namedPackage(filename), found)
	}
	if err != nil {
		return found
	}
	if contentType := packageType(archive); contentType != "" {
		return contentType
	}
	if document(found) {
		return typeZip
	}
	return found
}

// ration is a document of which only so many bytes are given out: the directory of an archive may be made to fill the memory.
type ration struct {
	in   io.ReaderAt
	left int64
}

var errRation = errors.New("extract: the directory of an archive is too long")

func (r *ration) ReadAt(p []byte, at int64) (int, error) {
	if r.left -= int64(len(p)); r.left < 0 {
		return 0, errRation
	}
	return r.in.ReadAt(p, at)
}

// document reports whether a type is one of those that packageType finds.
func document(contentType string) bool {
	return strings.HasPrefix(contentType, "application/vnd.openxmlformats-") || strings.HasPrefix(contentType, "application/vnd.oasis.") ||
		contentType == typeEPUB
}

const (
	typeEPUB  = "application/epub+zip"
	typeODF   = "application/vnd.oasis.opendocument."
	typeOOXML = "application/vnd.openxmlformats-officedocument."
	typeDOCX  = typeOOXML + "wordprocessingml.document"
	typePPTX  = typeOOXML + "presentationml.presentation"
	typeXLSX  = typeOOXML + "spreadsheetml.sheet"
)

// namedPackage gives the type of document that a name promises, if that is an archive; "" for any other name.
func namedPackage(filename string) string {
	switch strings.ToLower(path.Ext(filename)) {
	case ".docx":
		return typeDOCX
	case ".pptx":
		return typePPTX
	case ".xlsx":
		return typeXLSX
	case ".odt":
		return typeODF + "text"
	case ".ods":
		return typeODF + "spreadsheet"
	case ".odp":
		return typeODF + "presentation"
	case ".epub":
		return typeEPUB
	}
	return ""
}

// packageType gives the type of a document that is an archive; "" for any other archive.
func packageType(archive *zip.Reader) string {
	parts := map[string]*zip.File{}
	for _, f := range archive.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if _, ok := parts[name]; !ok {
			parts[name] = f
		}
	}
	if declared := strings.TrimSpace(string(read(parts["mimetype"]))); declared == typeEPUB || openDocument(declared) {
		return declared
	}
	if contentType := openXMLType(parts); contentType != "" {
		return contentType
	}
	if bytes.Contains(read(parts["meta-inf/container.xml"]), []byte("application/oebps-package+xml")) {
		return typeEPUB
	}
	if parts["content.xml"] != nil {
		return openDocumentType(read(parts["meta-inf/manifest.xml"]))
	}
	return ""
}

// read gives the beginning of a part; nothing for none, and for one that cannot be read.
func read(part *zip.File) []byte {
	if part == nil {
		return nil
	}
	r, err := part.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	content, _ := io.ReadAll(io.LimitReader(r, maxTypePart))
	return content
}

// openXMLType believes the list of types of the parts, and where that says nothing their names.
func openXMLType(parts map[string]*zip.File) string {
	list := strings.ToLower(string(read(parts["[content_types].xml"])))
	for _, t := range openXMLTypes() {
		if strings.Contains(list, `"application/`+t.main+`.main+xml"`) {
			return t.contentType
		}
	}
	switch {
	case strings.Contains(list, `"application/vnd.ms-excel.sheet.binary.macroenabled.main"`):
		return "application/vnd.ms-excel.sheet.binary.macroenabled.12"
	case parts["word/document.xml"] != nil:
		return typeDOCX
	case parts["ppt/presentation.xml"] != nil:
		return typePPTX
	case parts["xl/workbook.xml"] != nil:
		return typeXLSX
	}
	return ""
}

// openXMLPart is the type of a package's main part, short, and that of the whole.
type openXMLPart struct{ main, contentType string }

// openXMLTypes are in the order in which they count: a presentation may hold charts with workbooks, but no main part of those.
func openXMLTypes() []openXMLPart {
	const open, word, power, excel = "vnd.openxmlformats-officedocument.", "vnd.ms-word.", "vnd.ms-powerpoint.", "vnd.ms-excel."
	parts := []openXMLPart{
		{word + "document.macroenabled", ""}, {word + "template.macroenabledtemplate", "application/" + word + "template.macroenabled.12"},
		{power + "presentation.macroenabled", ""}, {power + "slideshow.macroenabled", ""}, {power + "template.macroenabled", ""},
		{excel + "sheet.macroenabled", ""}, {excel + "template.macroenabled", ""},
	}
	for i, p := range parts {
		if p.contentType == "" {
			parts[i].contentType = "application/" + p.main + ".12"
		}
	}
	for _, name := range []string{
		"wordprocessingml.document", "wordprocessingml.template", "presentationml.presentation", "presentationml.slideshow",
		"presentationml.template", "spreadsheetml.sheet", "spreadsheetml.template",
	} {
		parts = append(parts, openXMLPart{open + name, "application/" + open + name})
	}
	return parts
}

// openDocumentType reads the type of the whole out of the list of its parts.
func openDocumentType(manifest []byte) string {
	_, rest, _ := bytes.Cut(manifest, []byte(`"`+typeODF))
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	if declared := typeODF + string(kind); openDocument(declared) {
		return declared
	}
	return ""
}

// openDocument reports whether something is a type of that family.
func openDocument(contentType string) bool {
	kind, ok := strings.CutPrefix(contentType, typeODF)
	return ok && kind != "" && len(kind) < 40 && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz-") == ""
}
