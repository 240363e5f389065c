package extract

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// TextTypes are the types that Detect gives to text that is read as it stands: all but HTML, Markdown and mail. They are sorted.
func TextTypes() []string {
	types := map[string]bool{
		typeText: true, typeXML: true, "application/xml": true, typeJSON: true, typeLines: true, typeCSV: true, typeTSV: true, typeYAML: true,
	}
	for _, contentType := range textNames() {
		types[contentType] = true
	}
	for contentType := range strings.FieldsSeq("text/x-php text/x-lua text/x-perl text/x-python text/x-ruby text/x-shellscript text/x-tcl " +
		"text/javascript text/vcard text/calendar text/vtt application/x-subrip " +
		"application/geo+json model/gltf+json application/vnd.cyclonedx+json application/vnd.cyclonedx+xml " +
		"application/rss+xml application/atom+xml application/owl+xml application/x-xliff+xml application/vnd.adobe.xfdf+xml " +
		"application/gml+xml application/gpx+xml application/tcx+xml application/vnd.google-earth.kml+xml application/x-amf " +
		"application/vnd.ms-package.3dmanufacturing-3dmodel+xml model/x3d+xml model/vnd.collada+xml") {
		types[contentType] = true
	}
	for _, contentType := range []string{typeHTML, typeXHTML, typeSVG, typeMarkdown, typeMail, typeMailbox} {
		delete(types, contentType)
	}
	return slices.Sorted(maps.Keys(types))
}

// typeByName gives the type of text that a file's name says, whatever is installed on the machine; "" if it says none.
func typeByName(filename string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(filename, `\`, "/")))
	names := textNames()
	if contentType, ok := names[base]; ok {
		return contentType
	}
	return names[path.Ext(base)]
}

// textNames are the names and endings of text files, in small letters, with their types.
func textNames() map[string]string {
	names := map[string]string{}
	for line := range strings.Lines(textNameList) {
		fields := strings.Fields(line)
		for _, name := range fields[1:] {
			names[name] = fields[0]
		}
	}
	return names
}

// textNameList has a type a line, with the names that stand for it.
const textNameList = `text/plain .txt .text .log .ini .cfg .conf .properties .env .gitignore .nfo .asc license readme copying changelog
text/markdown .md .markdown .mdown .mkd .mdx .qmd .rmd
text/html .html .htm
application/xhtml+xml .xhtml .xht
image/svg+xml .svg
text/xml .xml .xsd .xsl .xslt .wsdl .plist .csproj .resx .xliff .dbk
message/rfc822 .eml .mht .mhtml
application/mbox .mbox .mbx
text/csv .csv
text/tab-separated-values .tsv .tab
application/json .json .map .ipynb .webmanifest .geojson .har
application/x-ndjson .jsonl .ndjson
application/yaml .yaml .yml
application/toml .toml
application/sql .sql
text/css .css
text/javascript .js .mjs .cjs
text/x-asm .asm .s
text/x-asciidoc .adoc .asciidoc
text/x-bibtex .bib
text/x-c .c .h
text/x-c++ .cc .cpp .cxx .hh .hpp .hxx .ino
text/x-clojure .clj .cljs .edn
text/x-cmake .cmake cmakelists.txt
text/x-coffeescript .coffee
text/x-csharp .cs
text/x-dart .dart
text/x-diff .diff .patch
text/x-dockerfile .dockerfile dockerfile containerfile
text/x-elixir .ex .exs
text/x-erlang .erl .hrl
text/x-fortran .f .for .f90 .f95
text/x-fsharp .fs .fsx
text/x-gettext .po .pot
text/x-go .go go.mod go.sum
text/x-graphql .graphql .gql
text/x-groovy .groovy .gradle jenkinsfile
text/x-haskell .hs
text/x-hcl .tf .hcl .tfvars
text/x-java .java
text/x-jsx .jsx
text/x-julia .jl
text/x-kotlin .kt .kts
text/x-less .less
text/x-lisp .lisp .lsp .cl .el .scm
text/x-lua .lua
text/x-makefile .mk .make makefile gnumakefile
text/x-matlab .m
text/x-nim .nim
text/x-ocaml .ml .mli
text/x-org .org
text/x-pascal .pas .dpr
text/x-perl .pl .pm
text/x-php .php
text/x-powershell .ps1 .psm1
text/x-proto .proto
text/x-python .py .pyi .pyw
text/x-r .r
text/x-rst .rst
text/x-ruby .rb .rake gemfile rakefile
text/x-rust .rs
text/x-sass .sass .scss
text/x-scala .scala .sbt
text/x-shellscript .sh .bash .zsh .fish
text/x-svelte .svelte
text/x-swift .swift
text/x-tcl .tcl
text/x-tex .tex .sty .cls .latex
text/x-typescript .ts .tsx .mts .cts
text/x-vb .vb .vbs .bas
text/x-verilog .v .sv
text/x-vhdl .vhd .vhdl
text/x-vim .vim
text/x-vue .vue
text/x-windows-batch .bat .cmd
text/x-zig .zig
application/x-subrip .srt
text/vtt .vtt
text/vcard .vcf .vcard
text/calendar .ics
`
