#include "worker/data/line_reader.h"

#include <cstring>

namespace zhiyin::worker::data {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(const std::string& path) : file_(path), buffer_(kMaxBytes + 1 + kReadBytes) {
  Fill();
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark))
    begin_ = kByteOrderMark.size();
}

bool LineReader::Next(Line* line) {
  while (NextMaybeEmpty(line)) {
    if (line->too_long || !line->text.empty()) return true;
  }
  return false;
}

bool LineReader::NextMaybeEmpty(Line* line) {
  size_t n = 0;  // bytes from begin_ on without a line end
  const void* found = nullptr;
  while (true) {
    found = std::memchr(buffer_.data() + begin_ + n, '\n', end_ - begin_ - n);
    n = found != nullptr
            ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) - begin_
            : end_ - begin_;
    if (found != nullptr || n > kMaxBytes || !Fill()) break;
  }
  if (found == nullptr && n == 0) return false;
  line->number = ++n_lines_;
  line->too_long = n > kMaxBytes;
  if (line->too_long) {
    line->text = {};
    DropLine();
    return true;
  }
  line->text = {buffer_.data() + begin_, n};
  if (line->text.ends_with('\r')) line->text.remove_suffix(1);
  begin_ += found != nullptr ? n + 1 : n;
  return true;
}

int64_t LineReader::Skip(int64_t n) {
  Line line;
  int64_t n_skipped = 0;
  while (n_skipped < n && Next(&line)) ++n_skipped;
  return n_skipped;
}

void LineReader::Seek(const Place& place) {
  file_.Seek(place.offset);
  begin_ = 0;
  end_ = 0;
  at_end_ = false;
  n_bytes_ = place.offset;
  n_lines_ = place.n_lines;
}

bool LineReader::Fill() {
  if (at_end_) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const size_t n = file_.Read(buffer_.data() + end_, kReadBytes);
  end_ += n;
  n_bytes_ += static_cast<int64_t>(n);
  at_end_ = n < kReadBytes;
  return n > 0;
}

void LineReader::DropLine() {
  while (true) {
    const void* found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    if (found != nullptr) {
      begin_ = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
      return;
    }
    begin_ = end_;
    if (!Fill()) return;
  }
}

}  // namespace zhiyin::worker::data
