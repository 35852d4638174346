#include "worker/data/text_lines.h"

#include "common/error.h"

namespace zhiyin::worker::data {

TextLines::TextLines(const std::vector<TextFile>& files, bool header) : header_(header) {
  for (const TextFile& file : files) files_.push_back({file});
  files_[0].begin = 0;
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
      const int64_t n_here = reader_->Skip(n - n_done);
      n_done += n_here;
      position_ += n_here;
    }
    if (n_done < n && !OpenNext()) break;
  }
  return n_done;
}

std::optional<TextLines::Place> TextLines::place() const {
  if (!reader_.has_value() || !reader_->CanSeek()) return {};
  return Place{next_file_ - 1, position_, reader_->place()};
}

void TextLines::Seek(const Place& place) {
  if (next_file_ != place.file + 1 || !reader_.has_value()) Restart(place.file);
  if (reader_.has_value() || OpenNext()) reader_->Seek(place.in_file);
  position_ = place.position;
}

void TextLines::RestartBefore(int64_t position) {
  size_t file = 0;
  while (file + 1 < files_.size() && files_[file + 1].begin >= 0 &&
         files_[file + 1].begin <= position) {
    ++file;
  }
  Restart(file);
}

void TextLines::Restart(size_t file) {
  next_file_ = file;
  reader_.reset();
  position_ = files_[file].begin;
}

bool TextLines::OpenNext() {
  if (next_file_ == files_.size()) return false;
  File& file = files_[next_file_++];
  file.begin = position_;
  const auto& [path, stamp] = file.identity;
  reader_.emplace(path);
  if (reader_->stamp() != stamp) {
    Fail(path, ": changed since the job began: ", stamp.n_bytes, " bytes then, ",
         reader_->stamp().n_bytes, " now, expected a file that stays as it is");
  }
  if (header_) reader_->Skip(1);
  return true;
}

}  // namespace zhiyin::worker::data
