#include "worker/data/text_lines.h"

#include <algorithm>

#include "common/error.h"

namespace zhiyin::worker::data {

TextLines::TextLines(const std::vector<TextFile>& files, Dialect dialect, ReadCounts* counts)
    : TextLines(files, {}, {files.size(), 0}, std::move(dialect), counts) {
  files_[0].begin = 0;
}

TextLines::TextLines(const std::vector<TextFile>& files, const FileCut& begin, const FileCut& end,
                     Dialect dialect, ReadCounts* counts)
    : begin_(begin),
      end_(end),
      dialect_(std::move(dialect)),
      counts_(counts),
      next_file_(begin.file) {
  for (const TextFile& file : files) files_.push_back({file});
}

void TextLines::SetTick(Tick tick) {
  tick_ = std::move(tick);
  if (reader_.has_value()) reader_->file().SetTick(tick_);
}

void TextLines::NotePoints(int64_t every) {
  note_points_every_ = every;
  if (reader_.has_value()) reader_->file().NotePoints(every);
}

bool TextLines::Next(Line* line) {
  while (!reader_.has_value() || !reader_->Next(line)) {
    if (!OpenNext()) return false;
  }
  ++position_;
  return true;
}

int64_t TextLines::Skip(int64_t n) {
  int64_t n_done = 0;
  while (n_done < n) {
    if (reader_.has_value()) {
      const int64_t n_here = SkipHere(n - n_done);
      n_done += n_here;
      position_ += n_here;
    }
    if (n_done < n && !OpenNext()) break;
  }
  return n_done;
}

int64_t TextLines::SkipHere(int64_t n) {
  int64_t n_done = 0;
  while (n_done < n) {
    const int64_t n_wanted = std::min(n - n_done, PieceTick::kPieces);
    const int64_t n_here = reader_->Skip(n_wanted);
    n_done += n_here;
    tick_();
    if (n_here < n_wanted) break;
  }
  return n_done;
}

std::optional<TextLines::Place> TextLines::place() const {
  if (!reader_.has_value() || !reader_->CanSeek()) return {};
  return Place{next_file_ - 1, position_, reader_->place()};
}

void TextLines::Seek(const Place& place) {
  if (next_file_ != place.file + 1 || !reader_.has_value()) {
    tick_();
    OpenAgain(place.file);
    next_file_ = place.file + 1;
  }
  ahead_to_.reset();
  reader_->Seek(place.in_file);
  position_ = place.position;
}

void TextLines::ReadAheadTo(const Place& place) {
  ahead_to_ = place;
  if (reader_.has_value() && next_file_ == place.file + 1)
    reader_->ReadAheadTo(place.in_file.offset);
}

void TextLines::SetBegins(std::span<const int64_t> begins) {
  for (size_t f = 0; f < files_.size(); ++f) files_[f].begin = begins[f];
}

std::vector<int64_t> TextLines::Begins() const {
  std::vector<int64_t> begins;
  for (const File& file : files_) begins.push_back(file.begin);
  return begins;
}

size_t TextLines::FileBefore(int64_t position) const {
  size_t file = 0;
  while (file + 1 < files_.size() && files_[file + 1].begin >= 0 &&
         files_[file + 1].begin <= position) {
    ++file;
  }
  return file;
}

void TextLines::Restart(size_t file) {
  next_file_ = file;
  reader_.reset();
  position_ = files_[file].begin;
}

bool TextLines::OpenNext() {
  if (FileCut{next_file_, 0} >= end_) return false;
  tick_();
  KeepPoints();
  File& file = files_[next_file_];
  const bool is_cut = next_file_ == begin_.file && begin_.offset > 0;
  ++next_file_;
  file.begin = position_;
  if (file.identity.look.has_value()) {
    OpenAgain(next_file_ - 1);
    if (!is_cut) {
      reader_->Seek(file.identity.first_line);
    } else if (begin_.offset == file.identity.first_line.offset) {
      reader_->Seek({begin_.offset, 0});  // a byte order mark may stand before it, which is no line
    } else {
      reader_->SeekLineFrom(begin_.offset);
    }
    if (next_file_ == end_.file + 1) reader_->EndAt(end_.offset);
  } else {
    reader_.emplace(file.identity.path, dialect_, counts_);
    reader_->file().SetTick(tick_);
    CheckStamp(file.identity);
    if (file.identity.has_header) reader_->Skip(1);
    if (reader_->CanSeek()) {
      file.identity.look = reader_->look();
      file.identity.first_line = reader_->place();
    }
  }
  if (note_points_every_ > 0) reader_->file().NotePoints(note_points_every_);
  if (ahead_to_.has_value() && next_file_ == ahead_to_->file + 1)
    reader_->ReadAheadTo(ahead_to_->in_file.offset);
  return true;
}

void TextLines::OpenAgain(size_t file) {
  const TextFile& identity = files_[file].identity;
  reader_.emplace(identity.path, identity.look.value(), counts_);
  reader_->file().SetTick(tick_);
  CheckStamp(identity);
  if (const auto points = points_.find(file); points != points_.end() && note_points_every_ == 0)
    reader_->file().SetPoints(&points->second);
}

void TextLines::KeepPoints() {
  if (note_points_every_ == 0 || !reader_.has_value()) return;
  if (std::vector<SeekPoint> points = reader_->file().points(); !points.empty())
    points_[next_file_ - 1] = std::move(points);
}

FilePoints TextLines::TakePoints() {
  KeepPoints();
  return std::move(points_);
}

void TextLines::CheckStamp(const TextFile& identity) const {
  if (reader_->stamp() == identity.stamp) return;
  Fail(identity.path, ": changed since the job began: ", identity.stamp.n_bytes, " bytes then, ",
       reader_->stamp().n_bytes, " now, expected a file that stays as it is");
}

}  // namespace zhiyin::worker::data
