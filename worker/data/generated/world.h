// Generated data: rows that are a pure function of a seed and their number.
//
// Adding one: a file data/NAME.cc, a field in Data.source of job.proto, its columns in
// worker/data/generated/columns.cc, a declaration below and a case in MakeWorld.
#pragma once

#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {

/// Makes rows as text, so that they are parsed by the very code that parses files. Any row can be
/// made without the ones before. One thread.
class World {
 public:
  explicit World(size_t n_columns) : cells_(n_columns), values_(n_columns) {}
  virtual ~World() = default;

  /// A cell a column, valid until the next call.
  std::span<const std::string_view> Row(int64_t i);

 protected:
  /// Fills the cells of row i; they hold those of the row before.
  virtual void Make(int64_t i) = 0;
  std::string& cell(size_t column) { return cells_[column]; }
  /// Sets a cell to a number of nine digits, which no float loses anything by; returns the number
  /// that the cell holds.
  double SetNumber(size_t column, double value);

 private:
  std::vector<std::string> cells_;
  std::vector<std::string_view> values_;
};

/// REQUIRES: the data is generated; also of the next two.
std::unique_ptr<World> MakeWorld(const Data& data);
/// The split's rows. Throws Error where a column does not exist.
std::unique_ptr<Source> MakeGeneratedSource(const Job& job, const Split& split, LabelDomains labels,
                                            RowParser::Observer observer);
/// All rows as tab-separated text with a header. Read as text, they give these examples again.
void WriteGenerated(const Data& data, std::ostream& out);

std::unique_ptr<World> MakeRatings(const GeneratedRatings& config);
std::unique_ptr<World> MakeUniform(const GeneratedUniform& config);
std::unique_ptr<World> MakeRelatedTasks(const GeneratedRelatedTasks& config);
std::unique_ptr<World> MakeFunnel(const GeneratedFunnel& config);

}  // namespace zhiyin::worker::data
