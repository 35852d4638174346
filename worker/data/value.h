// A value of a record, as the format of its file gives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::data {

/// A missing value, a text, a number that its file holds as one, or several texts. A plain value,
/// which borrows what it shows: valid as long as the record it is from.
class Value {
 public:
  enum class Kind : unsigned char { kMissing, kText, kNumber, kList };

  /// A missing value.
  constexpr Value() = default;
  /// A text; texts that mean "missing" (MissingValues) are texts, too.
  constexpr Value(std::string_view text)  // NOLINT(google-explicit-constructor): most are texts
      : kind_(Kind::kText), data_(text.data()), n_(text.size()) {}
  Value(const std::string& text)  // NOLINT(google-explicit-constructor)
      : Value(std::string_view(text)) {}
  static constexpr Value Number(double number) {
    Value value;
    value.kind_ = Kind::kNumber;
    value.number_ = number;
    return value;
  }
  static constexpr Value List(std::span<const std::string_view> texts) {
    Value value;
    value.kind_ = Kind::kList;
    value.list_ = texts.data();
    value.n_ = texts.size();
    return value;
  }

  /// Several texts that stand one after the other in memory, as AppendPacked has put them there.
  static constexpr Value PackedList(std::string_view packed) {
    Value value;
    value.kind_ = Kind::kList;
    value.is_packed_ = true;
    value.data_ = packed.data();
    value.n_ = packed.size();
    return value;
  }

  constexpr Kind kind() const { return kind_; }
  /// The text; empty where the value is missing. REQUIRES: neither a number nor a list.
  constexpr std::string_view text() const {
    return kind_ == Kind::kText ? std::string_view(data_, n_) : std::string_view();
  }
  /// REQUIRES: kNumber. May be NaN or infinite, which no input accepts.
  constexpr double number() const { return number_; }
  /// REQUIRES: kList that is not packed. ListTexts goes through both.
  constexpr std::span<const std::string_view> list() const { return {list_, n_}; }

 private:
  friend class ListTexts;

  Kind kind_ = Kind::kMissing;
  bool is_packed_ = false;
  union {
    const char* data_ = nullptr;
    const std::string_view* list_;
    double number_;
  };
  size_t n_ = 0;
};

/// Goes through the texts of a list once. Borrows what the value borrows.
class ListTexts {
 public:
  /// REQUIRES: kList.
  explicit ListTexts(const Value& list) : list_(list) {}

  /// Sets *text to the next one; returns false where there is none.
  bool Next(std::string_view* text) {
    if (at_ == list_.n_) return false;
    if (!list_.is_packed_) {
      *text = list_.list_[at_++];
      return true;
    }
    uint32_t n = 0;
    std::memcpy(&n, list_.data_ + at_, sizeof(n));
    *text = {list_.data_ + at_ + sizeof(n), n};
    at_ += sizeof(n) + n;
    return true;
  }

 private:
  Value list_;
  size_t at_ = 0;
};

/// Appends a text to those of a list that is to be packed. REQUIRES: it is shorter than 4 GiB.
inline void AppendPacked(std::string_view text, std::vector<char>* packed) {
  const uint32_t n = static_cast<uint32_t>(text.size());
  const char* const bytes = reinterpret_cast<const char*>(&n);
  packed->insert(packed->end(), bytes, bytes + sizeof(n));
  packed->insert(packed->end(), text.begin(), text.end());
}

}  // namespace zhiyin::worker::data
