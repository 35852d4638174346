// Times of events, as data.behaviour reads them from a column.
#pragma once

#include <limits>
#include <optional>
#include <string_view>

namespace zhiyin::worker::data {

/// A number of the data, in whatever unit it has there; or, of a date, seconds since 1970 in UTC.
/// Holds every integer of 64 bits exactly, such as nanoseconds since 1970, and the fractions of
/// smaller numbers.
using EventTime = long double;
static_assert(std::numeric_limits<EventTime>::digits >= 64);

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
