-- +goose Up

ALTER TABLE runner ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE runner ADD COLUMN enroll_before INTEGER;
