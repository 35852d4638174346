// What a format's reader gives for a file, as text that tests can compare.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/data/format/format.h"

namespace zhiyin::testing {

using WantedColumns = std::vector<worker::data::WantedColumn>;

inline worker::data::WantedColumn AsText(std::string name) {
  return {std::move(name), worker::data::WantedColumn::Use::kText};
}
inline worker::data::WantedColumn AsCategories(std::string name) {
  return {std::move(name), worker::data::WantedColumn::Use::kCategories};
}
inline worker::data::WantedColumn AsNumber(std::string name) {
  return {std::move(name), worker::data::WantedColumn::Use::kNumber};
}

/// A value: -, 'a text', 0.5 for a number, [a b] for a list.
std::string ShownValue(const worker::data::Value& value);
/// A record: 3: '1' [7 8] 0.5, or 3! and what is wrong with it.
std::string ShownRecord(const worker::data::Record& record);
/// All records of a file.
std::vector<std::string> RecordsOf(const worker::data::Format& format, const std::string& path,
                                   const Text& text, const WantedColumns& wanted);

/// Which of the columns a record of the file has: [wanted], 0 or 1.
std::vector<int> SeenIn(const worker::data::Format& format, const std::string& path,
                        const Text& text, const WantedColumns& wanted);

/// Text of a text format.
Text ParseText(const std::string& textproto);

}  // namespace zhiyin::testing
