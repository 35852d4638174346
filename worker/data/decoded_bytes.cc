#include "worker/data/decoded_bytes.h"

#include <glog/logging.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

const iconv_t kNoConversion = reinterpret_cast<iconv_t>(-1);

/// Behind a slash glibc reads options, which could drop what cannot be converted.
iconv_t OpenConversion(const std::string& encoding) {
  if (encoding.find('/') != std::string::npos) return kNoConversion;
  return iconv_open("UTF-8", encoding.c_str());
}

/// Returns the encoding that the first bytes of a file tell, or the one that was said.
std::string EncodingOf(const std::string& path, std::string_view start,
                       const std::string& encoding) {
  using namespace std::string_view_literals;
  if (start.starts_with("\xef\xbb\xbf")) return "";
  if (start == "\xff\xfe\0\0"sv || start == "\0\0\xfe\xff"sv) return "UTF-32";
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff")) return "UTF-16";
  if (!encoding.empty() || start.size() < 4) return encoding;
  const auto is_zero = [&](size_t i) { return start[i] == '\0'; };
  const bool little = !is_zero(0) && is_zero(1) && !is_zero(2) && is_zero(3);
  const bool big = is_zero(0) && !is_zero(1) && is_zero(2) && !is_zero(3);
  if (little || big)
    Fail(path, ": is UTF-16 without a byte order mark, expected UTF-8, or data.text.encoding: ",
         little ? "\"UTF-16LE\"" : "\"UTF-16BE\"");
  return encoding;
}

}  // namespace

bool IsKnownEncoding(const std::string& encoding) {
  const iconv_t conversion = OpenConversion(encoding);
  if (conversion == kNoConversion) return false;
  iconv_close(conversion);
  return true;
}

/// Converts the bytes of a file piece by piece.
class DecodedBytes::Converter {
 public:
  /// Throws Error, which begins with `path`, where the encoding is not known.
  Converter(const std::string& path, const std::string& encoding)
      : conversion_(OpenConversion(encoding)),
        n_unit_(encoding.starts_with("UTF-32")   ? 4
                : encoding.starts_with("UTF-16") ? 2
                                                 : 1) {
    if (conversion_ == kNoConversion)
      Fail(path, ": the encoding \"", encoding, "\" is not known here, expected one of iconv -l");
  }
  ~Converter() { iconv_close(conversion_); }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  /// Fills to[0, n) and returns n; returns less only at the end. `read` is as ReadUnconverted.
  template <typename Read>
  size_t Convert(char* to, size_t n, const Read& read) {
    size_t n_done = 0;
    while (n_done < n) {
      if (taken_ == output_.size() && !ConvertMore(read)) break;
      const size_t n_here = std::min(n - n_done, output_.size() - taken_);
      std::memcpy(to + n_done, output_.data() + taken_, n_here);
      taken_ += n_here;
      n_done += n_here;
    }
    return n_done;
  }

 private:
  static constexpr size_t kInputBytes = 64 << 10;

  /// Replaces the output by that of the next input; returns false at the end.
  template <typename Read>
  bool ConvertMore(const Read& read) {
    output_.clear();
    taken_ = 0;
    while (output_.empty() && !at_end_) {
      const size_t n_rest = input_.size();  // of a character that was cut
      input_.resize(n_rest + kInputBytes);
      const size_t n = read(input_.data() + n_rest, kInputBytes);
      input_.resize(n_rest + n);
      at_end_ = n < kInputBytes;
      char* next = input_.data();
      size_t n_left = input_.size();
      while (n_left > 0 && ConvertSome(&next, &n_left)) {
      }
      input_.erase(input_.begin(), input_.end() - static_cast<ptrdiff_t>(n_left));
      if (!at_end_) continue;
      if (!input_.empty()) output_.push_back('\xff');
      ConvertSome(nullptr, nullptr);  // what the conversion has kept back
    }
    return !output_.empty();
  }

  /// Converts as much as it can; returns false where the input ends within a character.
  bool ConvertSome(char** next, size_t* n_left) {
    std::array<char, 4096> piece;
    char* to = piece.data();
    size_t n_free = piece.size();
    const size_t result = iconv(conversion_, next, n_left, &to, &n_free);
    const int error = result == static_cast<size_t>(-1) ? errno : 0;
    output_.insert(output_.end(), piece.data(), to);
    if (error == EILSEQ && next != nullptr) {
      output_.push_back('\xff');
      const size_t n_skipped = std::min(n_unit_, *n_left);
      *next += n_skipped;
      *n_left -= n_skipped;
    }
    return error != EINVAL;
  }

  const iconv_t conversion_;
  const size_t n_unit_;  // bytes that are skipped where they mean nothing
  std::vector<char> input_;
  std::vector<char> output_;
  size_t taken_ = 0;  // of the output
  bool at_end_ = false;
};

DecodedBytes::DecodedBytes(const std::string& path, const std::string& encoding, ReadCounts* counts)
    : file_(path, counts) {
  start_.resize(4);
  start_.resize(file_.Read(start_.data(), start_.size()));
  const std::string told = EncodingOf(path, start_, encoding);
  if (!told.empty()) converter_ = std::make_unique<Converter>(path, told);
}

DecodedBytes::DecodedBytes(const std::string& path, ReadCounts* counts) : file_(path, counts) {}

DecodedBytes::~DecodedBytes() = default;

size_t DecodedBytes::Read(char* to, size_t n) {
  if (converter_ == nullptr) return ReadUnconverted(to, n);
  return converter_->Convert(to, n,
                             [&](char* at, size_t n_at) { return ReadUnconverted(at, n_at); });
}

size_t DecodedBytes::ReadUnconverted(char* to, size_t n) {
  const size_t n_start = std::min(n, start_.size());
  std::memcpy(to, start_.data(), n_start);
  start_.erase(0, n_start);
  return n_start + file_.Read(to + n_start, n - n_start);
}

void DecodedBytes::Seek(int64_t offset) {
  CHECK(CanSeek());
  start_.clear();
  file_.Seek(offset);
}

}  // namespace zhiyin::worker::data
