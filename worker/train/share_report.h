// What workers tell each other of the shares of a split's files that they have read (SplitPass).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/source.h"

namespace zhiyin::worker::train {

/// What a worker says of its share of a split's files once it has read it.
struct ShareReport {
  /// The units [first_unit, end_unit); where there are none, all else is empty.
  int64_t first_unit = 0;
  int64_t end_unit = 0;
  data::ShareFindings findings;
  bool is_kept = false;  // whether it still has the examples in memory

  std::string Serialize() const;
  /// The inverse of Serialize. Throws Error on bytes that Serialize did not write.
  static ShareReport Parse(std::string_view bytes);
};

/// Divides units among workers: worker w gets units [begins[w], begins[w + 1]), of about equally
/// many bytes.
std::vector<int64_t> DivideUnits(std::span<const data::Unit> units, int n_workers);

/// Returns for each worker where the first record of its share really begins, where its report says
/// otherwise: a reader that begins in the middle of a file takes the next line end for that of a
/// record, and errs inside of a quoted value. The reader before knows. Workers that are not in the
/// result have read their shares right, if all before them have.
std::map<int, data::FileCut> MisreadShares(std::span<const ShareReport> reports);

/// Places of records, ascending by position.
using Places = std::vector<data::Records::Place>;

/// Keeps of the places those around record `first` and around each multiple of `every` records
/// behind it: the last one at or before it, and the first one at or behind it.
void Thin(int64_t first, int64_t every, Places* places);

std::string SerializePlaces(const Places& places);
/// Appends the places of SerializePlaces. Throws Error on bytes that it did not write, and on
/// places that are not behind those before.
void AppendPlaces(std::string_view bytes, size_t n_files, Places* places);

std::string SerializePoints(const data::FilePoints& points);
/// Adds the points of SerializePoints. Throws Error on bytes that it did not write.
void AddPoints(std::string_view bytes, size_t n_files, data::FilePoints* points);

}  // namespace zhiyin::worker::train
