// The data lines of several text files, read as if they were one file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/tick.h"
#include "worker/data/file_bytes.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {

/// A text file as it was when the job began.
struct TextFile {
  std::string path;
  FileStamp stamp;
  /// Whether its first line holds no data.
  bool has_header = false;
  bool is_plain = false;  // neither compressed nor converted, and no pipe
  /// Known where the file can seek: what its beginning tells, and where the lines of data begin.
  std::optional<LineReader::Look> look = {};
  LineReader::Place first_line = {};
};

/// A place in files where one reader may end and another begin: the first line of data of a file
/// that begins at byte `offset` or behind it; behind the last file, its end. In files of other
/// formats, `offset` is how many records are before it in its file.
struct FileCut {
  size_t file = 0;
  int64_t offset = 0;  // above 0 only in a file that can seek, or has parts; uncompressed

  auto operator<=>(const FileCut&) const = default;
};

/// Points of compressed files, by the position of the file.
using FilePoints = std::map<size_t, std::vector<SeekPoint>>;

/// Reads the lines of files in order. Lines are numbered from 0 over all files; headers and empty
/// lines have no number. Throws Error as FileBytes does, and where a file differs from its stamp.
/// Used by one thread.
class TextLines {
 public:
  /// Opens no file yet. Counts as FileBytes does.
  explicit TextLines(const std::vector<TextFile>& files, Dialect dialect = Dialect(),
                     ReadCounts* counts = nullptr);
  /// Reads the lines between two cuts only, and numbers them from 0; in the file of `begin`,
  /// Line::number counts from there. Seek, ReadAheadTo and RestartBefore must not be called.
  TextLines(const std::vector<TextFile>& files, const FileCut& begin, const FileCut& end,
            Dialect dialect, ReadCounts* counts);
  /// From now on notes points of the open file and of those that are opened, every so many of their
  /// bytes (FileBytes::NotePoints). REQUIRES: 0 < every.
  void NotePoints(int64_t every);
  /// The points that were noted. Call once.
  FilePoints TakePoints();
  /// Sets points of the files, for Seek. REQUIRES: nothing was read yet.
  void SetPoints(FilePoints points) { points_ = std::move(points); }
  /// Sets what is called for every file that is opened, while Skip passes over lines, and for every
  /// few MiB that are read or decoded (FileBytes::SetTick).
  void SetTick(Tick tick);

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
  /// The present place; nullopt at the beginning of all files and in a file that cannot seek, as
  /// one that is converted.
  std::optional<Place> place() const;
  void Seek(const Place& place);
  /// From now on reads nothing behind a place before a line needs it. Seek ends this.
  void ReadAheadTo(const Place& place);
  /// The number of the first line of the last file that is known to begin at line `position` or
  /// before it.
  int64_t BeginBefore(int64_t position) const { return files_[FileBefore(position)].begin; }
  /// Goes to the beginning of that file.
  void RestartBefore(int64_t position) { Restart(FileBefore(position)); }
  /// Says that the files begin at these lines, [files], where they are not negative. REQUIRES:
  /// nothing was read yet.
  void SetBegins(std::span<const int64_t> begins);
  /// The first line of each file, [files]; negative where it is not known.
  std::vector<int64_t> Begins() const;

  /// Where the next line begins, empty ones included: in the file of the line that was read last.
  /// REQUIRES: reads between cuts, and a file is open.
  FileCut next_cut() const { return {next_file_ - 1, reader_->place().offset}; }
  /// The lines of that file that were passed, empty ones and the header included.
  int64_t n_lines_here() const { return reader_->place().n_lines; }
  /// Opens the first file, if there is any between the cuts; returns whether one is open.
  bool Begin() { return reader_.has_value() || OpenNext(); }

  /// The file of the line that was read last. REQUIRES: one was.
  const std::string& path() const { return reader_->path(); }
  size_t file() const { return next_file_ - 1; }  // its position among the files

 private:
  struct File {
    TextFile identity;
    /// The number of its first line; -1 while unknown.
    int64_t begin = -1;
  };
  /// Passes over n lines of the open file; returns how many there were.
  int64_t SkipHere(int64_t n);
  size_t FileBefore(int64_t position) const;
  void Restart(size_t file);
  /// Opens the next file and passes its header; returns false when there is none.
  bool OpenNext();
  /// Opens a file whose look is known, for seeking.
  void OpenAgain(size_t file);
  /// Keeps the points of the open file.
  void KeepPoints();
  /// Throws Error unless the open file is as it was when the job began.
  void CheckStamp(const TextFile& identity) const;

  std::vector<File> files_;
  FileCut begin_;
  FileCut end_;
  Dialect dialect_;
  ReadCounts* counts_;
  Tick tick_ = [] {};
  size_t next_file_ = 0;
  std::optional<LineReader> reader_;  // of file next_file_ - 1
  int64_t position_ = 0;
  std::optional<Place> ahead_to_;
  int64_t note_points_every_ = 0;  // 0: none are noted
  FilePoints points_;
};

}  // namespace zhiyin::worker::data
