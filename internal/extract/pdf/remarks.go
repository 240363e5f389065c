package pdf

import (
	"cmp"
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"
)

const (
	maxAnnotations = 10_000  // that are looked at on a page
	maxOptions     = 1_000   // that are looked at of a list to choose from
	off            = "Off"   // what boxes and buttons are that are not checked
	maxRemarks     = 1 << 20 // bytes of values and notes of a page; a document can show one value any number of times
)

// remarks gives what is filled into the form on a page, and what was written upon the page, a line each: "name of the field: value" and
// "author: note". PDFium's text has neither.
func (d *document) remarks(page requests.Page) (string, error) {
	count, err := d.pdfium.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return "", d.fatal(err)
	}
	list := lines{seen: map[string]bool{}}
	for i := 0; i < min(count.Count, maxAnnotations) && list.size < maxRemarks; i++ {
		annotation, err := d.pdfium.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: page, Index: i})
		if err == nil {
			err = d.annotation(annotation.Annotation, &list)
		}
		if err != nil {
			if fatal := d.fatal(err); fatal != nil {
				return "", fatal
			}
		}
	}
	return list.String(), nil
}

// lines are lines of text, each once.
type lines struct {
	strings.Builder
	seen map[string]bool
	size int
}

// add adds a line that says of what name is; what says nothing is left out.
func (l *lines) add(name, value string) {
	value = strings.TrimSpace(tidy(strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\r", "\n")))
	if name = phrase(name, maxLabel); name != "" {
		name += ": "
	}
	line := name + value
	if value == "" || l.seen[line] {
		return
	}
	l.seen[line] = true
	if l.size > 0 {
		l.WriteByte('\n')
	}
	l.WriteString(line)
	l.size = l.Len()
}

// annotation adds what one annotation has to say. Its errors are those of the library.
func (d *document) annotation(a references.FPDF_ANNOTATION, list *lines) error {
	kind, err := d.pdfium.FPDFAnnot_GetSubtype(&requests.FPDFAnnot_GetSubtype{Annotation: a})
	if err != nil {
		return err
	}
	flags, err := d.pdfium.FPDFAnnot_GetFlags(&requests.FPDFAnnot_GetFlags{Annotation: a})
	if err != nil {
		return err
	}
	switch kind.Subtype {
	case enums.FPDF_ANNOT_SUBTYPE_LINK, enums.FPDF_ANNOT_SUBTYPE_POPUP:
	case enums.FPDF_ANNOT_SUBTYPE_WIDGET:
		if flags.Flags&enums.FPDF_ANNOT_FLAG_HIDDEN == 0 {
			err = d.field(a, list)
		}
	default:
		if flags.Flags&enums.FPDF_ANNOT_FLAG_HIDDEN == 0 {
			err = d.note(a, kind.Subtype, list)
		}
	}
	if err != nil {
		return err
	}
	_, err = d.pdfium.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: a})
	return err
}

// note adds what somebody wrote upon the page, with the name that they gave.
func (d *document) note(a references.FPDF_ANNOTATION, kind enums.FPDF_ANNOTATION_SUBTYPE, list *lines) error {
	contents, err := d.pdfium.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: a, Key: "Contents"})
	if err != nil {
		return err
	}
	author := ""
	if kind != enums.FPDF_ANNOT_SUBTYPE_FREETEXT { // which is text like that of the page
		found, err := d.pdfium.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: a, Key: "T"})
		if err != nil {
			return err
		}
		author = found.Value
	}
	list.add(author, contents.Value)
	return nil
}

// field adds the value of a field of a form.
func (d *document) field(a references.FPDF_ANNOTATION, list *lines) error {
	form, kind, err := d.fieldKind(a)
	if err != nil {
		return err
	}
	value := ""
	switch kind {
	case enums.FPDF_FORMFIELD_TYPE_UNKNOWN:
		return d.strayField(a, list)
	case enums.FPDF_FORMFIELD_TYPE_TEXTFIELD:
		value, err = d.fieldValue(form, a)
	case enums.FPDF_FORMFIELD_TYPE_COMBOBOX, enums.FPDF_FORMFIELD_TYPE_LISTBOX:
		value, err = d.fieldChoice(form, a)
	case enums.FPDF_FORMFIELD_TYPE_CHECKBOX, enums.FPDF_FORMFIELD_TYPE_RADIOBUTTON:
		value, err = d.fieldCheck(form, a)
	}
	if err != nil || value == "" {
		return err
	}
	name, err := d.fieldName(form, a)
	list.add(name, value)
	return err
}

// fieldKind gives the form that a field belongs to, and what kind of field it is there: unknown if the document has no form, or not that
// field in it.
func (d *document) fieldKind(a references.FPDF_ANNOTATION) (references.FPDF_FORMHANDLE, enums.FPDF_FORMFIELD_TYPE, error) {
	form, err := d.theForm()
	if err != nil {
		return "", enums.FPDF_FORMFIELD_TYPE_UNKNOWN, d.fatal(err)
	}
	kind, err := d.pdfium.FPDFAnnot_GetFormFieldType(&requests.FPDFAnnot_GetFormFieldType{FormHandle: form, Annotation: a})
	if err != nil {
		return "", enums.FPDF_FORMFIELD_TYPE_UNKNOWN, d.fatal(err)
	}
	return form, max(kind.FormFieldType, enums.FPDF_FORMFIELD_TYPE_UNKNOWN), nil // it is negative for what is no field
}

// strayField adds the value of a field that the document's form does not know: pages that were taken out of forms have such.
func (d *document) strayField(a references.FPDF_ANNOTATION, list *lines) error {
	var found [3]string
	for i, key := range []string{"V", "TU", "T"} {
		value, err := d.pdfium.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: a, Key: key})
		if err != nil {
			return err
		}
		found[i] = value.Value
	}
	if value := found[0]; value != off {
		list.add(cmp.Or(found[1], found[2]), value)
	}
	return nil
}

// theForm opens the document's form, once. It runs no scripts: PDFium is built without them.
func (d *document) theForm() (references.FPDF_FORMHANDLE, error) {
	if d.form != "" {
		return d.form, nil
	}
	form, err := d.pdfium.FPDFDOC_InitFormFillEnvironment(&requests.FPDFDOC_InitFormFillEnvironment{
		Document: d.ref,
		FormFillInfo: structs.FPDF_FORMFILLINFO{ // none of it is needed for looking at values, but all of it must be there
			FFI_Invalidate:         func(references.FPDF_PAGE, float64, float64, float64, float64) {},
			FFI_SetCursor:          func(enums.FXCT) {},
			FFI_SetTimer:           func(int, func(int)) int { return 0 },
			FFI_KillTimer:          func(int) {},
			FFI_GetLocalTime:       func() structs.FPDF_SYSTEMTIME { return structs.FPDF_SYSTEMTIME{} },
			FFI_GetPage:            func(references.FPDF_DOCUMENT, int) *references.FPDF_PAGE { return nil },
			FFI_GetRotation:        func(references.FPDF_PAGE) enums.FPDF_PAGE_ROTATION { return enums.FPDF_PAGE_ROTATION_NONE },
			FFI_ExecuteNamedAction: func(string) {},
		},
	})
	if err != nil {
		return "", err
	}
	d.form = form.FormHandle
	return d.form, nil
}

// fieldName gives what a field is called for people, or else the last part of its name.
func (d *document) fieldName(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) (string, error) {
	shown, err := d.pdfium.FPDFAnnot_GetFormFieldAlternateName(&requests.FPDFAnnot_GetFormFieldAlternateName{FormHandle: form, Annotation: a})
	if err == nil && strings.TrimSpace(shown.FormFieldAlternateName) != "" {
		return shown.FormFieldAlternateName, nil
	}
	name, err := d.pdfium.FPDFAnnot_GetFormFieldName(&requests.FPDFAnnot_GetFormFieldName{FormHandle: form, Annotation: a})
	if err != nil {
		return "", err
	}
	last := name.FormFieldName[strings.LastIndexByte(name.FormFieldName, '.')+1:]
	return strings.TrimSuffix(last, "[0]"), nil
}

func (d *document) fieldValue(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) (string, error) {
	value, err := d.pdfium.FPDFAnnot_GetFormFieldValue(&requests.FPDFAnnot_GetFormFieldValue{FormHandle: form, Annotation: a})
	if err != nil {
		return "", err
	}
	return value.FormFieldValue, nil
}

// fieldCheck gives what it means that a box or button is checked: its value, which is often just "Yes" or "On". What it looks like says
// whether it is.
func (d *document) fieldCheck(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) (string, error) {
	look, err := d.pdfium.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: a, Key: "AS"})
	if err != nil || look.Value == "" || look.Value == off {
		return "", err
	}
	value, err := d.fieldValue(form, a)
	return cmp.Or(value, look.Value), err
}

// fieldChoice gives the options that are chosen, or what was written in their place.
func (d *document) fieldChoice(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) (string, error) {
	count, err := d.pdfium.FPDFAnnot_GetOptionCount(&requests.FPDFAnnot_GetOptionCount{FormHandle: form, Annotation: a})
	if err != nil {
		return "", err
	}
	var chosen []string
	for i := range min(count.OptionCount, maxOptions) {
		selected, err := d.pdfium.FPDFAnnot_IsOptionSelected(&requests.FPDFAnnot_IsOptionSelected{FormHandle: form, Annotation: a, Index: i})
		if err != nil {
			return "", err
		}
		if !selected.IsOptionSelected {
			continue
		}
		label, err := d.pdfium.FPDFAnnot_GetOptionLabel(&requests.FPDFAnnot_GetOptionLabel{FormHandle: form, Annotation: a, Index: i})
		if err != nil {
			return "", err
		}
		chosen = append(chosen, label.OptionLabel)
	}
	if len(chosen) == 0 {
		return d.fieldValue(form, a)
	}
	return strings.Join(chosen, ", "), nil
}
