package job

import "github.com/alexandervashurin/semaphore/job/internal/giturl"

// CheckRepositoryURL accepts https, http, ssh, git and file URLs, host:path as
// ssh has it, and absolute paths, all without credentials. Everything else,
// remote helpers such as ext:: and words that git would take for an option
// included, is a *[FieldError] that says what to write instead.
func CheckRepositoryURL(url string) error {
	if _, err := giturl.Parse(url); err != nil {
		return invalid("repository.url", "%v", err)
	}
	return nil
}

// LocalRepository tells whether an address that [CheckRepositoryURL] accepts is a
// directory of the machine that the task runs on: an absolute path or a file URL.
func LocalRepository(url string) bool {
	u, err := giturl.Parse(url)
	return err == nil && u.Scheme == "file"
}

// CheckRef accepts names of branches and tags by the rules of git
// check-ref-format, "refs/heads/x" in full included.
func CheckRef(ref string) error {
	if err := giturl.CheckRef(ref); err != nil {
		return invalid("repository.branch", "%v", err)
	}
	return nil
}

// CheckCommit accepts full and short hashes, 4 to 64 hexadecimal digits.
func CheckCommit(hash string) error {
	if err := giturl.CheckCommit(hash); err != nil {
		return invalid("repository.commit", "%v", err)
	}
	return nil
}
