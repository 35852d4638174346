#include "worker/data/format/arrow_scalars.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "common/error.h"
#include "worker/data/format/arrow_numbers.h"
#include "worker/data/line_reader.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kMaxIntegerBytes = 20;
constexpr size_t kMaxFloatBytes = 32;
constexpr size_t kUuidTextBytes = 36;

/// Whether all bytes are ASCII and none is NUL, so that every text of them is good.
bool IsPlainAscii(const char* bytes, int64_t n) {
  unsigned char high = 0;
  unsigned char zeros = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    high |= byte;
    zeros |= static_cast<unsigned char>(byte == 0 ? 1 : 0);
  }
  return high < 0x80 && zeros == 0;
}

/// The number of buffers of an array of this type; -1: three or more.
int64_t BuffersOfScalars(ArrowKind kind) {
  switch (kind) {
    case ArrowKind::kNull:
      return 0;
    case ArrowKind::kText:
      return 3;
    case ArrowKind::kTextView:
      return -1;
    default:
      return 2;
  }
}

}  // namespace

void TextArena::NextBlock() {
  if (!blocks_.empty()) ++block_;
  if (block_ == blocks_.size())
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
  used_ = 0;
}

void TextArena::Clear() {
  block_ = 0;
  used_ = 0;
}

void FailCorrupt(const std::string& where, const std::string& what) {
  Fail(where, ": corrupt batch, ", what);
}

void CheckArrowArray(const std::string& where, const ArrowArray& array, int64_t n,
                     int64_t n_buffers, int64_t n_children) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 64;
  if (array.length < 0 || array.offset < 0 || array.length > kMax || array.offset > kMax)
    FailCorrupt(where, "its length or offset is out of range");
  if (array.length < n) {
    FailCorrupt(
        where, "it has " + std::to_string(array.length) + " values, expected " + std::to_string(n));
  }
  if (n_buffers < 0 ? array.n_buffers < 3 : array.n_buffers != n_buffers)
    FailCorrupt(where, "it has " + std::to_string(array.n_buffers) + " buffers");
  if (array.n_buffers > 0 && array.buffers == nullptr) FailCorrupt(where, "it has no buffers");
  if (array.n_children != n_children || (n_children > 0 && array.children == nullptr))
    FailCorrupt(where, "it has " + std::to_string(array.n_children) + " children");
  for (int64_t i = 0; i < n_children; ++i) {
    if (array.children[i] == nullptr) FailCorrupt(where, "a child is missing");
  }
}

/// The values of a dictionary. Those of a small one are kept, each converted when it is first used;
/// those of a large one, which may have more values than bytes, are converted whenever they are.
class ArrowScalars::Dictionary {
 public:
  /// Values that are not kept have their texts in `arena`, which is borrowed.
  Dictionary(const std::string& where, const ArrowType& type, bool as_numbers, TextArena* arena)
      : kept_(where, type, as_numbers, &kept_texts_), passing_(where, type, as_numbers, arena) {}

  /// Values of a dictionary that was set before are kept: the array that holds it must not have
  /// been released, so that equal addresses mean equal values.
  void SetArray(const ArrowArray& array) {
    if (IsSame(array)) return;
    n_ = 0;
    kept_.SetArray(array, 0);
    passing_.SetArray(array, 0);
    kept_texts_.Clear();
    is_read_.assign(array.length > kMaxKept ? 0 : static_cast<size_t>(array.length), 0);
    values_.resize(is_read_.size());
    n_ = array.length;
    offset_ = array.offset;
    buffers_.assign(array.buffers, array.buffers + array.n_buffers);
  }

  int64_t n() const { return n_; }
  /// REQUIRES: 0 <= i < n().
  Value At(int64_t i, std::vector<ArrowDefect>* defects, int64_t at) {
    if (n_ > kMaxKept) return Read(i, &passing_, defects, at);
    const auto index = static_cast<size_t>(i);
    if (is_read_[index] != kGood) {
      values_[index] = Read(i, &kept_, defects, at);
      is_read_[index] = defects_.empty() ? kGood : kBad;
    }
    return values_[index];
  }

 private:
  /// The most values that are kept, which take some 50 MB with their texts.
  static constexpr int64_t kMaxKept = 1 << 20;
  static constexpr char kGood = 1;
  static constexpr char kBad = 2;

  bool IsSame(const ArrowArray& array) const {
    return array.length == n_ && array.offset == offset_ && array.n_buffers > 0 &&
           std::equal(buffers_.begin(), buffers_.end(), array.buffers,
                      array.buffers + array.n_buffers);
  }
  /// Converts a value, and leaves what is wrong with it in defects_, too.
  Value Read(int64_t i, ArrowScalars* scalars, std::vector<ArrowDefect>* defects, int64_t at) {
    Value value;
    defects_.clear();
    scalars->Read(i, 1, &value, 1, &defects_);
    for (const ArrowDefect& defect : defects_) defects->push_back({at, defect.what});
    return value;
  }

  TextArena kept_texts_;
  ArrowScalars kept_;
  ArrowScalars passing_;
  std::vector<ArrowDefect> defects_;
  std::vector<char> is_read_;  // [n_]: 0, kGood or kBad; empty where values are not kept
  std::vector<Value> values_;  // like is_read_
  int64_t n_ = 0;
  int64_t offset_ = 0;
  std::vector<const void*> buffers_;
};

ArrowScalars::ArrowScalars(std::string where, const ArrowType& type, bool as_numbers,
                           TextArena* arena)
    : where_(std::move(where)), type_(type), as_numbers_(as_numbers), arena_(arena) {
  if (type_.dictionary.empty()) return;
  dictionary_ = std::make_unique<Dictionary>(where_, type_.dictionary[0], as_numbers_, arena_);
}

ArrowScalars::~ArrowScalars() = default;
ArrowScalars::ArrowScalars(ArrowScalars&&) noexcept = default;

void ArrowScalars::SetArray(const ArrowArray& array, int64_t n) {
  CheckArrowArray(where_, array, n, BuffersOfScalars(type_.kind), 0);
  offset_ = array.offset;
  buffers_ = array.buffers;
  n_buffers_ = array.n_buffers;
  validity_ = nullptr;
  values_ = nullptr;
  bytes_ = nullptr;
  if (type_.kind != ArrowKind::kNull) {
    if (array.null_count != 0) validity_ = static_cast<const uint8_t*>(array.buffers[0]);
    values_ = array.buffers[1];
    if (type_.kind == ArrowKind::kText) bytes_ = static_cast<const char*>(array.buffers[2]);
    const bool is_empty = type_.kind == ArrowKind::kFixedText && type_.size == 0;
    if (values_ == nullptr && array.length > 0 && !is_empty)
      FailCorrupt(where_, "a buffer is missing");
  }
  if (dictionary_ == nullptr) return;
  if (array.dictionary == nullptr) FailCorrupt(where_, "its dictionary is missing");
  dictionary_->SetArray(*array.dictionary);
}

template <typename ValueOf>
void ArrowScalars::Fill(int64_t begin, int64_t n, Value* out, size_t stride,
                        const ValueOf& value_of) {
  if (validity_ == nullptr) {
    for (int64_t i = begin; i < begin + n; ++i, out += stride) *out = value_of(i);
    return;
  }
  for (int64_t i = begin; i < begin + n; ++i, out += stride)
    *out = IsValid(i) ? value_of(i) : Value();
}

template <typename Write>
void ArrowScalars::FillTexts(int64_t begin, int64_t n, size_t max_bytes, Value* out, size_t stride,
                             const Write& write) {
  const auto n_at_once = static_cast<int64_t>(TextArena::kBlockBytes / max_bytes);
  for (const int64_t end = begin + n; begin < end; begin += n_at_once) {
    const int64_t n_here = std::min(n_at_once, end - begin);
    char* to = arena_->Room(static_cast<size_t>(n_here) * max_bytes);
    Fill(begin, n_here, out, stride, [&](int64_t i) {
      char* const from = to;
      to = write(i, to);
      return Value(std::string_view(from, static_cast<size_t>(to - from)));
    });
    arena_->Used(to);
    out += static_cast<size_t>(n_here) * stride;
  }
}

template <typename Integer>
void ArrowScalars::ReadIntegers(int64_t begin, int64_t n, Value* out, size_t stride) {
  const Integer* numbers = Numbers<Integer>();
  if (as_numbers_) {
    Fill(begin, n, out, stride,
         [&](int64_t i) { return Value::Number(static_cast<double>(numbers[i])); });
    return;
  }
  FillTexts(begin, n, kMaxIntegerBytes, out, stride, [&](int64_t i, char* to) {
    return std::to_chars(to, to + kMaxIntegerBytes, numbers[i]).ptr;
  });
}

template <typename Integer>
void ArrowScalars::ReadIndices(int64_t begin, int64_t n, Value* out, size_t stride,
                               std::vector<ArrowDefect>* defects) {
  const Integer* indices = Numbers<Integer>();
  const auto n_values = static_cast<uint64_t>(dictionary_->n());
  Fill(begin, n, out, stride, [&](int64_t i) {
    // A negative index becomes a large one.
    if (static_cast<uint64_t>(indices[i]) >= n_values) {
      FailCorrupt(where_, "an index is outside of its dictionary of " + std::to_string(n_values) +
                              " values");
    }
    return dictionary_->At(static_cast<int64_t>(indices[i]), defects, i - begin);
  });
}

void ArrowScalars::ReadFloats(int64_t begin, int64_t n, Value* out, size_t stride) {
  if (type_.bytes == 8) {
    const double* numbers = Numbers<double>();
    if (as_numbers_)
      return Fill(begin, n, out, stride, [&](int64_t i) { return Value::Number(numbers[i]); });
    return FillTexts(begin, n, kMaxFloatBytes, out, stride,
                     [&](int64_t i, char* to) { return WriteFloat(numbers[i], to); });
  }
  if (type_.bytes == 4) {
    const float* numbers = Numbers<float>();
    if (as_numbers_) {
      return Fill(begin, n, out, stride,
                  [&](int64_t i) { return Value::Number(ShortestDouble(numbers[i])); });
    }
    return FillTexts(begin, n, kMaxFloatBytes, out, stride,
                     [&](int64_t i, char* to) { return WriteFloat(numbers[i], to); });
  }
  const uint16_t* numbers = Numbers<uint16_t>();
  if (as_numbers_) {
    return Fill(begin, n, out, stride,
                [&](int64_t i) { return Value::Number(ShortestDoubleOfHalf(numbers[i])); });
  }
  FillTexts(begin, n, kMaxFloatBytes, out, stride,
            [&](int64_t i, char* to) { return WriteFloat(ShortestDoubleOfHalf(numbers[i]), to); });
}

void ArrowScalars::ReadDecimals(int64_t begin, int64_t n, Value* out, size_t stride) {
  const auto* bytes = static_cast<const std::byte*>(values_);
  const auto at = [&](int64_t i) { return bytes + (i + offset_) * type_.bytes; };
  if (as_numbers_) {
    return Fill(begin, n, out, stride, [&](int64_t i) {
      return Value::Number(DecimalOf(at(i), type_.bytes, type_.digits));
    });
  }
  FillTexts(begin, n, kMaxNumberBytes, out, stride, [&](int64_t i, char* to) {
    return WriteDecimal(at(i), type_.bytes, type_.digits, to);
  });
}

void ArrowScalars::ReadTimes(int64_t begin, int64_t n, Value* out, size_t stride) {
  const auto at = [&](int64_t i) {
    return type_.bytes == 4 ? Numbers<int32_t>()[i] * type_.seconds : Numbers<int64_t>()[i];
  };
  if (as_numbers_) {
    return Fill(begin, n, out, stride,
                [&](int64_t i) { return Value::Number(FractionOf(at(i), type_.digits)); });
  }
  FillTexts(begin, n, kMaxFloatBytes, out, stride,
            [&](int64_t i, char* to) { return WriteFraction(at(i), type_.digits, to); });
}

void ArrowScalars::ReadBools(int64_t begin, int64_t n, Value* out, size_t stride) {
  const auto* bits = static_cast<const uint8_t*>(values_);
  const Value no = as_numbers_ ? Value::Number(0) : Value(std::string_view("false"));
  const Value yes = as_numbers_ ? Value::Number(1) : Value(std::string_view("true"));
  Fill(begin, n, out, stride, [&](int64_t i) {
    const auto bit = static_cast<uint64_t>(i + offset_);
    return ((bits[bit / 8] >> (bit % 8)) & 1) != 0 ? yes : no;
  });
}

Value ArrowScalars::Checked(std::string_view text, int64_t at,
                            std::vector<ArrowDefect>* defects) const {
  if (text.size() > LineReader::kMaxBytes) {
    defects->push_back({at, "a text of " + std::to_string(text.size()) +
                                " bytes, expected at most " +
                                std::to_string(LineReader::kMaxBytes)});
    return {};
  }
  std::string wrong = CheckText(text);
  if (wrong.empty()) return text;
  defects->push_back({at, std::move(wrong)});
  return {};
}

template <typename Offset>
void ArrowScalars::ReadTexts(int64_t begin, int64_t n, Value* out, size_t stride,
                             std::vector<ArrowDefect>* defects) {
  const Offset* offsets = Numbers<Offset>();
  for (int64_t i = begin; i < begin + n; ++i) {
    if (offsets[i] < 0 || offsets[i] > offsets[i + 1])
      FailCorrupt(where_, "the offsets of its texts do not ascend");
  }
  const auto text_of = [&](int64_t i) {
    const Offset n_bytes = offsets[i + 1] - offsets[i];
    return n_bytes == 0 ? std::string_view("")
                        : std::string_view(bytes_ + offsets[i], static_cast<size_t>(n_bytes));
  };
  const Offset n_bytes = offsets[begin + n] - offsets[begin];
  if (n_bytes > 0 && bytes_ == nullptr) FailCorrupt(where_, "a buffer is missing");
  // Most columns are ASCII: then one look at all bytes is enough.
  if (n_bytes <= static_cast<Offset>(LineReader::kMaxBytes) &&
      IsPlainAscii(n_bytes == 0 ? "" : bytes_ + offsets[begin], n_bytes))
    return Fill(begin, n, out, stride, [&](int64_t i) { return Value(text_of(i)); });
  Fill(begin, n, out, stride, [&](int64_t i) { return Checked(text_of(i), i - begin, defects); });
}

void ArrowScalars::ReadTextViews(int64_t begin, int64_t n, Value* out, size_t stride,
                                 std::vector<ArrowDefect>* defects) {
  /// The length; then the text itself where it has at most 12 bytes, or else its first 4 bytes,
  /// its buffer, and where it is there.
  struct View {
    int32_t size;
    char start[4];
    int32_t buffer;
    int32_t offset;
  };
  static_assert(sizeof(View) == 16);
  constexpr int32_t kInline = 12;
  const View* views = Numbers<View>();
  // The first two buffers are the bitmap and the views, the last has the sizes of the others.
  const int64_t n_data = n_buffers_ - 3;
  const auto* sizes = static_cast<const int64_t*>(buffers_[n_buffers_ - 1]);
  Fill(begin, n, out, stride, [&](int64_t i) {
    const View& view = views[i];
    if (view.size < 0) FailCorrupt(where_, "a text has a negative length");
    const auto size = static_cast<size_t>(view.size);
    if (view.size <= kInline) {
      const auto* start = reinterpret_cast<const char*>(&view) + offsetof(View, start);
      return Checked({start, size}, i - begin, defects);
    }
    if (view.buffer < 0 || view.buffer >= n_data || view.offset < 0 || sizes == nullptr ||
        int64_t{view.offset} + view.size > sizes[view.buffer])
      FailCorrupt(where_, "a text is outside of its buffers");
    const auto* data = static_cast<const char*>(buffers_[2 + view.buffer]);
    return Checked({data + view.offset, size}, i - begin, defects);
  });
}

void ArrowScalars::ReadFixedTexts(int64_t begin, int64_t n, Value* out, size_t stride,
                                  std::vector<ArrowDefect>* defects) {
  const auto* bytes = static_cast<const char*>(values_);
  const auto size = static_cast<size_t>(type_.size);
  Fill(begin, n, out, stride, [&](int64_t i) {
    const std::string_view text =
        size == 0 ? std::string_view("")
                  : std::string_view(bytes + static_cast<size_t>(i + offset_) * size, size);
    return Checked(text, i - begin, defects);
  });
}

template <typename Reads>
void ArrowScalars::ForIntegers(const Reads& read) const {
  const bool is_signed = type_.kind == ArrowKind::kInt;
  switch (type_.bytes) {
    case 1:
      return is_signed ? read(int8_t{}) : read(uint8_t{});
    case 2:
      return is_signed ? read(int16_t{}) : read(uint16_t{});
    case 4:
      return is_signed ? read(int32_t{}) : read(uint32_t{});
    default:
      return is_signed ? read(int64_t{}) : read(uint64_t{});
  }
}

void ArrowScalars::Read(int64_t begin, int64_t n, Value* out, size_t stride,
                        std::vector<ArrowDefect>* defects) {
  if (n == 0) return;
  switch (type_.kind) {
    case ArrowKind::kInt:
    case ArrowKind::kUint:
      return ForIntegers([&]<typename Integer>(Integer) {
        if (dictionary_ != nullptr) {
          ReadIndices<Integer>(begin, n, out, stride, defects);
        } else {
          ReadIntegers<Integer>(begin, n, out, stride);
        }
      });
    case ArrowKind::kBool:
      return ReadBools(begin, n, out, stride);
    case ArrowKind::kFloat:
      return ReadFloats(begin, n, out, stride);
    case ArrowKind::kDecimal:
      return ReadDecimals(begin, n, out, stride);
    case ArrowKind::kTime:
      return ReadTimes(begin, n, out, stride);
    case ArrowKind::kText:
      return type_.bytes == 4 ? ReadTexts<int32_t>(begin, n, out, stride, defects)
                              : ReadTexts<int64_t>(begin, n, out, stride, defects);
    case ArrowKind::kTextView:
      return ReadTextViews(begin, n, out, stride, defects);
    case ArrowKind::kUuid:
      return FillTexts(begin, n, kUuidTextBytes, out, stride, [&](int64_t i, char* to) {
        return WriteUuid(static_cast<const std::byte*>(values_) + (i + offset_) * type_.bytes, to);
      });
    case ArrowKind::kFixedText:
      return ReadFixedTexts(begin, n, out, stride, defects);
    default:
      for (int64_t i = 0; i < n; ++i) out[static_cast<size_t>(i) * stride] = Value();
  }
}

}  // namespace zhiyin::worker::data
