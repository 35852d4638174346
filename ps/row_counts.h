// Counts of what happened to the keys and rows of a table.
#pragma once

#include <cstdint>
#include <utility>

namespace zhiyin::ps {

/// The counts of one table on one server, or their sums over servers. Invariants, at any moment:
///   looked_up = found + created + not_admitted + no_room
///   created + loaded = current rows + expired + rare + small + displaced
struct RowCounts {
  int64_t looked_up = 0;     // keys of pulls
  int64_t found = 0;         // keys that had a row
  int64_t created = 0;       // keys that a row was made for
  int64_t not_admitted = 0;  // keys refused for too few occurrences
  int64_t no_room = 0;       // keys refused because the table's bytes are used up
  int64_t loaded = 0;        // rows loaded from a saved model
  int64_t expired = 0;       // rows evicted because they were not pulled for too long
  int64_t rare = 0;          // rows evicted because they were pulled too seldom
  int64_t small = 0;         // rows evicted because of a small norm
  int64_t displaced = 0;     // rows evicted to make room for others

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
