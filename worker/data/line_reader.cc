#include "worker/data/line_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "common/error.h"

namespace zhiyin::worker {
namespace {

constexpr size_t kInputBytes = size_t{256} << 10;
/// Accept gzip only, with its checksum.
constexpr int kGzipWindow = 15 + 16;

}  // namespace

struct ByteSource::Impl {
  std::string path;
  int file = -1;
  int64_t size = 0;
  int64_t n_read = 0;
  bool is_gzip = false;
  z_stream inflater{};
  bool between_members = false;
  std::vector<unsigned char> input;

  ~Impl() {
    if (is_gzip) inflateEnd(&inflater);
    if (file >= 0) close(file);
  }

  size_t ReadRaw(void* to, size_t n) {
    while (true) {
      const ssize_t got = read(file, to, n);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) Fail(path, ": cannot read at byte ", n_read, ": ", std::strerror(errno));
      n_read += got;
      if (got == 0 && n_read != size)
        Fail(path, ": had ", size, " bytes when it was opened, and ", n_read,
             " when it was read: it changed");
      return static_cast<size_t>(got);
    }
  }

  /// Where in the file decompression stands.
  int64_t Offset() const { return n_read - inflater.avail_in; }

  size_t ReadGzip(char* to, size_t n) {
    inflater.next_out = reinterpret_cast<unsigned char*>(to);
    inflater.avail_out = static_cast<unsigned>(n);
    while (inflater.avail_out == n) {
      if (inflater.avail_in == 0) {
        inflater.next_in = input.data();
        inflater.avail_in = static_cast<unsigned>(ReadRaw(input.data(), input.size()));
        if (inflater.avail_in == 0) {
          if (!between_members)
            Fail(path, ": the gzip data ends at byte ", n_read, " in the middle: the file is truncated");
          return 0;
        }
      }
      if (between_members) {
        inflateReset(&inflater);
        between_members = false;
      }
      const int result = inflate(&inflater, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        between_members = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        Fail(path, ": damaged gzip data near byte ", Offset(), ": ",
             inflater.msg != nullptr ? inflater.msg : zError(result));
      }
    }
    return n - inflater.avail_out;
  }
};

ByteSource::ByteSource(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (impl_->file < 0) Fail(path, ": cannot open: ", std::strerror(errno));
  struct stat status {};
  if (fstat(impl_->file, &status) != 0) Fail(path, ": cannot open: ", std::strerror(errno));
  if (S_ISDIR(status.st_mode)) Fail(path, ": is a folder, expected a file");
  if (!S_ISREG(status.st_mode)) Fail(path, ": is not a regular file");
  impl_->size = status.st_size;
  unsigned char magic[2] = {};
  impl_->is_gzip = pread(impl_->file, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  if (!impl_->is_gzip) return;
  impl_->input.resize(kInputBytes);
  if (inflateInit2(&impl_->inflater, kGzipWindow) != Z_OK) {
    impl_->is_gzip = false;
    Fail(path, ": no memory to decompress it");
  }
}

ByteSource::~ByteSource() = default;

size_t ByteSource::Read(char* to, size_t n) {
  return impl_->is_gzip ? impl_->ReadGzip(to, n) : impl_->ReadRaw(to, n);
}

bool LineReader::Refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t got = source_->Read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  return got > 0;
}

bool LineReader::Next(Line* line) {
  bool dropping = false;  // the rest of a line that is too long
  size_t searched = 0;    // bytes of the line in hand that hold no end
  while (true) {
    if (source_ == nullptr) {
      if (next_file_ == files_.size()) return false;
      source_ = std::make_unique<ByteSource>(files_[next_file_++]);
      line_number_ = 0;
      at_file_start_ = true;
      file_had_line_ = false;
    }
    const char* from = buffer_.data() + begin_;
    const void* found = std::memchr(from + searched, '\n', end_ - begin_ - searched);
    size_t length = end_ - begin_;
    bool at_end = false;
    if (found == nullptr) {
      if (length > kMaxLineBytes) {
        dropping = true;
        begin_ = end_;
      }
      searched = end_ - begin_;
      if (Refill()) continue;
      at_end = true;
      from = buffer_.data() + begin_;
      length = end_ - begin_;
    } else {
      length = static_cast<size_t>(static_cast<const char*>(found) - from);
    }
    begin_ += length + (at_end ? 0 : 1);
    if (at_end) source_.reset();
    if (at_end && length == 0 && !dropping) continue;
    ++line_number_;
    searched = 0;
    std::string_view text(from, length);
    if (at_file_start_ && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    at_file_start_ = false;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() && !dropping) continue;
    line->text = dropping ? std::string_view() : text;
    line->too_long = dropping || text.size() > kMaxLineBytes;
    line->first_of_file = !file_had_line_;
    file_had_line_ = true;
    return true;
  }
}

std::string LineReader::Where() const {
  return files_[next_file_ - 1] + ":" + std::to_string(line_number_);
}

bool IsText(std::string_view line) {
  const auto* byte = reinterpret_cast<const unsigned char*>(line.data());
  const unsigned char* const end = byte + line.size();
  if (std::memchr(byte, 0, line.size()) != nullptr) return false;
  while (byte < end) {
    uint64_t eight = 0;
    while (end - byte >= 8 && (std::memcpy(&eight, byte, 8), (eight & 0x8080808080808080ull) == 0)) byte += 8;
    if (byte == end) return true;
    if (*byte < 0x80) {
      ++byte;
      continue;
    }
    // RFC 3629: the lead byte says how many follow; overlong forms, surrogates and values past U+10FFFF are
    // invalid.
    const int n_more = *byte >= 0xf0 ? 3 : *byte >= 0xe0 ? 2 : 1;
    if (*byte < 0xc2 || *byte > 0xf4 || end - byte <= n_more) return false;
    uint32_t code = *byte & (0x3fu >> n_more);
    for (int i = 1; i <= n_more; ++i) {
      if ((byte[i] & 0xc0) != 0x80) return false;
      code = (code << 6) | (byte[i] & 0x3fu);
    }
    constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[n_more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    byte += n_more + 1;
  }
  return true;
}

}  // namespace zhiyin::worker
