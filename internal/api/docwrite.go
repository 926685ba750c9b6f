package api

import (
	"html"
	"strconv"
	"strings"
)

// pageWriter writes HTML. Package html/template would do it by reflection,
// which keeps every method of the program from being left out by the linker.
type pageWriter struct{ strings.Builder }

// put writes parts in turn: markup as it is, text escaped.
func (b *pageWriter) put(markup string, textAndMarkup ...string) {
	b.WriteString(markup)
	for i, part := range textAndMarkup {
		if i%2 == 0 {
			part = html.EscapeString(part)
		}
		b.WriteString(part)
	}
}

func (b *pageWriter) nav(groups []docGroup) {
	b.put(`<nav aria-label="Sections">` + "\n")
	for _, g := range groups {
		b.put(`<a href="#`, g.Name, `">`, g.Name, "</a>\n")
	}
	b.put(`<a href="#types">Types</a>` + "\n</nav>\n")
}

func (b *pageWriter) section(base string, g docGroup) {
	b.put(`<section id="`, g.Name, `">`+"\n<h2>", g.Name, "</h2>\n<p>", g.What, "</p>\n")
	for _, l := range g.Lines {
		b.line(base, l)
	}
	b.put("</section>\n")
}

func (b *pageWriter) line(base string, l docLine) {
	b.put(`<div>`+"\n"+`<span class="right">`, l.Right, `</span>`+"\n"+`<code><span class="method">`, l.Method, `</span>`, base+l.Path, "</code>\n<p>", l.Summary, ".")
	if l.Note != "" {
		b.put(" ", l.Note)
	}
	b.put("</p>\n" + `<p class="soft">`)
	if l.In.Words != "" {
		b.put("Takes ")
		b.kind(l.In)
		b.put(". ")
	}
	b.put("Answers ", strconv.Itoa(l.Status))
	if l.Out.Words != "" {
		b.put(" with ")
		b.kind(l.Out)
	}
	b.put(".</p>\n")
	if len(l.Query) > 0 {
		b.put("<dl>\n")
		for _, q := range l.Query {
			b.put("<dt><code>?", q.Name, "=</code></dt> <dd>", q.What, "</dd>\n")
		}
		b.put("</dl>\n")
	}
	b.put("</div>\n")
}

// kind writes a type, as a link where it leads to a schema.
func (b *pageWriter) kind(t docType) {
	if t.Schema == "" {
		b.put("", t.Words)
		return
	}
	b.put(`<a href="#type-`, t.Schema, `">`, t.Words, "</a>")
}

func (b *pageWriter) types(list []docSchema) {
	b.put(`<h2 id="types">Types</h2>` + "\n<p>What is sent ends in Input; of that everything may be left out.</p>\n")
	for _, t := range list {
		b.put(`<h3 id="type-`, t.Name, `">`, t.Name, "</h3>\n<table>\n")
		for _, f := range t.Fields {
			b.put("<tr><td><code>", f.Name, "</code></td><td>")
			b.kind(f.Type)
			if f.Optional {
				b.put(` <span class="soft">— may be missing</span>`)
			}
			b.put("</td></tr>\n")
		}
		b.put("</table>\n")
	}
}
