module github.com/alexandervashurin/semaphore

go 1.26
