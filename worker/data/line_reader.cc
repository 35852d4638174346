#include "worker/data/line_reader.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "worker/data/codec/archive.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kReadBytes = 256 << 10;
/// So much is read at a time behind the place where a reader is to end.
constexpr size_t kReadBytesBehind = 1 << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Returns the line without the \r of a \r\n.
std::string_view WithoutReturn(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// Whether most lines end in \n\r, whose \r would become a part of the next line.
bool EndInFeedAndReturn(std::string_view text) {
  int64_t n = 0;
  int64_t n_with_return = 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const std::string_view behind = text.substr(at + 1, 2);
    ++n;
    if (behind.starts_with('\r') && behind != "\r\n") ++n_with_return;
  }
  return n_with_return > n / 2;
}

}  // namespace

LineReader::LineReader(const std::string& path, Dialect dialect, ReadCounts* counts)
    : dialect_(std::move(dialect)),
      file_(path, dialect_.encoding, counts),
      buffer_(std::make_unique_for_overwrite<char[]>(kMaxBytes + 1 + kReadBytes)) {
  Fill();
  LookAtStart();
}

LineReader::LineReader(const std::string& path, Look look, ReadCounts* counts)
    : dialect_(std::move(look.dialect)),
      file_(path, counts),
      line_end_(look.line_end),
      buffer_(std::make_unique_for_overwrite<char[]>(kMaxBytes + 1 + kReadBytes)) {}

void LineReader::LookAtStart() {
  std::string_view start(buffer_.get(), end_);
  if (const std::string archive = NameOfArchive(start.substr(0, kArchiveStartBytes));
      !archive.empty())
    Fail(path(), file_.file().IsPlain() ? ": is " : ": holds ", archive,
         " in place of text, expected it unpacked");
  if (start.starts_with(kByteOrderMark)) begin_ = kByteOrderMark.size();
  start.remove_prefix(begin_);
  const bool has_feed = start.find('\n') != std::string_view::npos;
  if (!has_feed && start.find('\r') != std::string_view::npos) line_end_ = '\r';
  if (EndInFeedAndReturn(start))
    Fail(path(), ": its lines end in \\n\\r (LF CR), expected \\n or \\r\\n");
  start.remove_prefix(std::min(start.find_first_not_of("\r\n"), start.size()));
  if (dialect_.delimiter.empty() && (!start.empty() || !at_end_))
    dialect_.delimiter = FindDelimiter(dialect_, start.substr(0, start.find_first_of("\r\n")));
}

bool LineReader::Next(Line* line) {
  while (place().offset < end_at_ && NextMaybeEmpty(line)) {
    if (line->too_long || !line->text.empty()) return true;
  }
  return false;
}

bool LineReader::NextMaybeEmpty(Line* line) {
  size_t n = 0;
  bool has_end = FindLineEnd(&n);
  if (!has_end && n == 0) return false;
  line->number = ++n_lines_;
  line->too_long = n > kMaxBytes;
  if (line->too_long) {
    line->text = {};
    DropLine();
    return true;
  }
  if (dialect_.quote != 0 && std::memchr(buffer_.get() + begin_, dialect_.quote, n) != nullptr)
    ConnectLines(&n, &has_end);
  line->text = WithoutReturn({buffer_.get() + begin_, n});
  begin_ += has_end ? n + 1 : n;
  return true;
}

bool LineReader::FindLineEnd(size_t* n) {
  while (true) {
    const void* const found =
        std::memchr(buffer_.get() + begin_ + *n, line_end_, end_ - begin_ - *n);
    *n = found != nullptr
             ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.get()) - begin_
             : end_ - begin_;
    if (found != nullptr) return true;
    if (*n > kMaxBytes || !Fill()) return false;
  }
}

void LineReader::ConnectLines(size_t* n, bool* has_end) {
  QuoteScanner quotes(dialect_);
  size_t begin = 0;
  size_t end = *n;
  bool end_is_there = *has_end;
  for (int64_t n_connected = 0;; ++n_connected) {
    const std::string_view line(buffer_.get() + begin_ + begin, end - begin);
    const QuoteScanner::State state = quotes.Add(WithoutReturn(line));
    if (state == QuoteScanner::State::kWhole) {
      *n = end;
      *has_end = end_is_there;
      n_lines_ += n_connected;
    }
    if (state != QuoteScanner::State::kOpen || !end_is_there) return;
    begin = end + 1;
    end = begin;
    end_is_there = FindLineEnd(&end);
    if (end > kMaxBytes) return;
  }
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
  ahead_to_ = 0;
  end_at_ = std::numeric_limits<int64_t>::max();
  n_lines_ = place.n_lines;
}

void LineReader::SeekLineFrom(int64_t offset) {
  CHECK_GT(offset, 0);
  Seek({offset - 1, 0});
  // Enough for most lines: the bytes before the line are another reader's.
  ahead_to_ = offset + static_cast<int64_t>(kReadBytesBehind);
  DropLine();
}

void LineReader::EndAt(int64_t offset) {
  end_at_ = offset;
  ahead_to_ = offset;
}

bool LineReader::Fill() {
  if (at_end_) return false;
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const int64_t n_ahead = ahead_to_ - n_bytes_;
  const size_t n_most = n_bytes_ < end_at_ ? kReadBytes : kReadBytesBehind;
  const size_t n_wanted = n_ahead > 0 ? std::min(n_most, static_cast<size_t>(n_ahead)) : n_most;
  const size_t n = file_.Read(buffer_.get() + end_, n_wanted);
  end_ += n;
  n_bytes_ += static_cast<int64_t>(n);
  at_end_ = n < n_wanted;
  return n > 0;
}

void LineReader::DropLine() {
  while (true) {
    const void* found = std::memchr(buffer_.get() + begin_, line_end_, end_ - begin_);
    if (found != nullptr) {
      begin_ = static_cast<size_t>(static_cast<const char*>(found) - buffer_.get()) + 1;
      return;
    }
    begin_ = end_;
    if (!Fill()) return;
  }
}

}  // namespace zhiyin::worker::data
