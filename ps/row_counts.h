// Counts of what happened to the keys and rows of a table.
#pragma once

#include <cstdint>
#include <utility>

namespace zhiyin::ps {

/// At any moment, and summed over servers:
///   looked_up = found + created + not_admitted + no_room
///   created + loaded = rows there are + expired + rare + small + displaced
struct RowCounts {
  int64_t looked_up = 0;     // keys of pulls
  int64_t found = 0;         // had a row
  int64_t created = 0;       // got one
  int64_t not_admitted = 0;  // refused: too few occurrences yet
  int64_t no_room = 0;       // refused: the table's bytes are used up
  int64_t loaded = 0;        // rows that came from a saved model
  int64_t expired = 0;       // evicted: not pulled for too long
  int64_t rare = 0;          // evicted: pulled too seldom
  int64_t small = 0;         // evicted: too small a norm
  int64_t displaced = 0;     // evicted: to make room

  int64_t refused() const { return not_admitted + no_room; }
  int64_t evicted() const { return expired + rare + small + displaced; }
  int64_t inserted() const { return created + loaded; }
};

/// Every count with its name, for reports.
inline constexpr std::pair<const char*, int64_t RowCounts::*> kRowCounts[] = {
    {"looked_up", &RowCounts::looked_up}, {"found", &RowCounts::found},
    {"created", &RowCounts::created},     {"not_admitted", &RowCounts::not_admitted},
    {"no_room", &RowCounts::no_room},     {"loaded", &RowCounts::loaded},
    {"expired", &RowCounts::expired},     {"rare", &RowCounts::rare},
    {"small", &RowCounts::small},         {"displaced", &RowCounts::displaced},
};

}  // namespace zhiyin::ps
