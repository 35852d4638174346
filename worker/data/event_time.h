// Times of events, as data.behaviour reads them from a column.
#pragma once

#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

namespace zhiyin::worker::data {

/// A number of the data, in whatever unit it has there; or, of a date, seconds since 1970 in UTC.
/// Holds every integer of 64 bits exactly, such as nanoseconds since 1970, and the fractions of
/// smaller numbers.
using EventTime = long double;
static_assert(std::numeric_limits<EventTime>::digits >= 64);

/// An EventTime in as few bytes as hold it.
class StoredTime {
 public:
  StoredTime() : StoredTime(0) {}
  explicit StoredTime(EventTime time) { std::memcpy(bytes_, &time, sizeof(bytes_)); }
  EventTime time() const {
    EventTime time = 0;
    std::memcpy(&time, bytes_, sizeof(bytes_));
    return time;
  }

 private:
  // The extended format of x86 is 10 bytes, which the compiler pads.
  char bytes_[std::numeric_limits<EventTime>::digits == 64 ? 10 : sizeof(EventTime)];
};

enum class TimeKind { kNumber, kDate };

struct ParsedTime {
  TimeKind kind;
  EventTime time;
};

/// Parses all of `text` as a number (ParseNumber), or as a date in the extended format of ISO 8601:
///
///   YYYY-MM-DD [ (T | space) hh:mm [ :ss [ (. | ,) digits ] ] [ Z | (+ | -) hh [ [:] mm ] ] ]
///
/// Without a time of day it is midnight, and without an offset UTC. Returns nullopt for anything
/// else, and for days that no calendar has.
std::optional<ParsedTime> ParseTime(std::string_view text);

}  // namespace zhiyin::worker::data
