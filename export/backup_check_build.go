package export

// builds refuses deploys that lead back to themselves.
func (c *checker) builds() {
	if c.err != nil {
		return
	}
	done := make([]bool, len(c.b.Templates))
	for start := range c.b.Templates {
		var way []int
		on := map[int]bool{}
		for i := start; i >= 0 && !done[i]; {
			if on[i] {
				c.at("template", i, c.b.Templates[i].Name).fail("build_template", "leads back to this template: choose a build")
				return
			}
			on[i], way = true, append(way, i)
			next := c.b.Templates[i].BuildTemplate
			if !filled(next) {
				break
			}
			i, _ = c.ix.templates.find(*next)
		}
		for _, i := range way {
			done[i] = true
		}
	}
}

// text is what a text that may be missing says.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
