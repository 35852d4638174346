// The data lines of several text files, read as if they were one file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/data/file_bytes.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {

/// A text file as it was when the job began.
struct TextFile {
  std::string path;
  FileStamp stamp;
};

/// Reads the lines of files in order. Lines are numbered from 0 over all files; headers and empty
/// lines have no number. Throws Error as FileBytes does, and where a file differs from its stamp.
/// Used by one thread.
class TextLines {
 public:
  /// Opens no file yet. `header`: the first line of every file holds no data.
  TextLines(const std::vector<TextFile>& files, bool header);

  /// The number of the line that Next returns next.
  int64_t position() const { return position_; }
  /// Reads the next line; returns false at the end of the last file. The text of the line is valid
  /// until the next call of any function that moves.
  bool Next(Line* line);
  /// Passes over n lines; returns how many there were.
  int64_t Skip(int64_t n);

  /// A line that can be returned to without reading what is before it.
  struct Place {
    size_t file = 0;
    int64_t position = 0;
    LineReader::Place in_file;
  };
  /// The present place; nullopt at the beginning of all files and in a gzip, which cannot seek.
  std::optional<Place> place() const;
  void Seek(const Place& place);
  /// Goes back to the beginning of the last file that is known to begin at line `position` or
  /// before it.
  void RestartBefore(int64_t position);

  /// The file of the line that was read last. REQUIRES: one was.
  const std::string& path() const { return reader_->path(); }

 private:
  struct File {
    TextFile identity;
    /// The number of its first line; -1 while unknown.
    int64_t begin = -1;
  };
  void Restart(size_t file);
  /// Opens the next file and passes its header; returns false when there is none.
  bool OpenNext();

  std::vector<File> files_;
  bool header_;
  size_t next_file_ = 0;
  std::optional<LineReader> reader_;  // of file next_file_ - 1
  int64_t position_ = 0;
};

}  // namespace zhiyin::worker::data
