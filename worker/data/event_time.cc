#include "worker/data/event_time.h"

#include <charconv>
#include <chrono>
#include <cstdint>

#include "worker/data/example_parser.h"

namespace zhiyin::worker::data {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the parts of a date from the front of a text. Once a part is missing, all is.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  bool failed() const { return failed_; }

  /// Takes one of these characters; returns 0 where another one or none follows.
  char TakeOneOf(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_[0]) == std::string_view::npos) return 0;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }
  void Expect(std::string_view characters) { failed_ |= TakeOneOf(characters) == 0; }
  /// Takes a number of exactly n digits, which must not exceed `most`.
  int Digits(size_t n, int most) {
    int number = 0;
    for (size_t i = 0; i < n; ++i) {
      if (i >= rest_.size() || !IsDigit(rest_[i])) {
        failed_ = true;
        return 0;
      }
      number = 10 * number + (rest_[i] - '0');
    }
    rest_.remove_prefix(n);
    failed_ |= number > most;
    return number;
  }
  /// Takes the digits behind a decimal point, one at least.
  EventTime Fraction() {
    EventTime fraction = 0;
    EventTime unit = 1;
    failed_ |= rest_.empty() || !IsDigit(rest_[0]);
    for (; !rest_.empty() && IsDigit(rest_[0]); rest_.remove_prefix(1)) {
      fraction = 10 * fraction + (rest_[0] - '0');
      unit *= 10;
    }
    return fraction / unit;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<EventTime> ParseDate(std::string_view text) {
  DateReader in(text);
  const int year = in.Digits(4, 9999);
  in.Expect("-");
  const int month = in.Digits(2, 12);
  in.Expect("-");
  const int day = in.Digits(2, 31);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (in.failed() || !date.ok()) return {};
  EventTime time =
      static_cast<EventTime>(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
  if (in.AtEnd()) return time;
  in.Expect("T ");
  time += in.Digits(2, 23) * 3600;
  in.Expect(":");
  time += in.Digits(2, 59) * 60;
  if (in.TakeOneOf(":") != 0) {
    time += in.Digits(2, 60);  // 60: a leap second
    if (in.TakeOneOf(".,") != 0) time += in.Fraction();
  }
  if (in.TakeOneOf("Z") == 0) {
    if (const char sign = in.TakeOneOf("+-")) {
      int offset = in.Digits(2, 23) * 3600;
      const bool has_colon = in.TakeOneOf(":") != 0;
      if (has_colon || !in.AtEnd()) offset += in.Digits(2, 59) * 60;
      time -= sign == '+' ? offset : -offset;
    }
  }
  if (in.failed() || !in.AtEnd()) return {};
  return time;
}

std::optional<EventTime> ParseNumericTime(std::string_view text) {
  const char* const end = text.data() + text.size();
  int64_t whole = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, whole);
  if (error == std::errc() && stop == end) return static_cast<EventTime>(whole);
  double rounded = 0;
  if (!ParseNumber(text, &rounded)) return {};
  EventTime time = rounded;
  if (text.starts_with('+')) text.remove_prefix(1);
  // Leaves `time` as it is where the number is too small for this type, too.
  std::from_chars(text.data(), end, time);
  return time;
}

}  // namespace

std::optional<ParsedTime> ParseTime(std::string_view text) {
  if (const auto number = ParseNumericTime(text)) return ParsedTime{TimeKind::kNumber, *number};
  if (const auto date = ParseDate(text)) return ParsedTime{TimeKind::kDate, *date};
  return {};
}

}  // namespace zhiyin::worker::data
