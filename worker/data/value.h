// A value of a record, as the format of its file gives it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

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

  constexpr Kind kind() const { return kind_; }
  /// The text; empty where the value is missing. REQUIRES: neither a number nor a list.
  constexpr std::string_view text() const {
    return kind_ == Kind::kText ? std::string_view(data_, n_) : std::string_view();
  }
  /// REQUIRES: kNumber. May be NaN or infinite, which no input accepts.
  constexpr double number() const { return number_; }
  /// REQUIRES: kList.
  constexpr std::span<const std::string_view> list() const { return {list_, n_}; }

 private:
  Kind kind_ = Kind::kMissing;
  union {
    const char* data_ = nullptr;
    const std::string_view* list_;
    double number_;
  };
  size_t n_ = 0;
};

}  // namespace zhiyin::worker::data
