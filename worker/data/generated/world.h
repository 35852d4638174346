// Generated data: lines that are a pure function of a seed and their number.
//
// Adding one takes its file generated/NAME.cc with a WorldKind, a field in Data.source of
// job.proto, and a line in worlds.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"
#include "worker/data/source.h"
#include "worker/data/value.h"
#include "worker/data/writer/table_writer.h"

namespace zhiyin::worker::data {

/// Makes lines as text, so that they are parsed by the code that parses files. A line can be made
/// without those before it. Used by one thread.
class World {
 public:
  explicit World(size_t n_columns) : cells_(n_columns), values_(n_columns) {}
  virtual ~World() = default;

  /// Returns line i, one cell for each column; valid until the next call.
  std::span<const Value> Row(int64_t i);

 protected:
  /// Fills the cells of line i. They still hold the values of the previous call.
  virtual void Make(int64_t i) = 0;
  std::string& cell(size_t column) { return cells_[column]; }
  /// Sets a cell to a number with nine significant digits, enough to restore any float; returns the
  /// number that the text stands for.
  double SetNumber(size_t column, double value);

 private:
  std::vector<std::string> cells_;
  std::vector<Value> values_;
};

/// The description of a kind of generated data by which the rest of the program uses it. The file
/// of each kind defines one. The kind's message has a field n_rows.
struct WorldKind {
  const char* name;  // of its field in Data.source of job.proto
  /// REQUIRES: the data was checked.
  std::unique_ptr<World> (*make)(const Data& data) = nullptr;
  /// The columns, in the order of their positions. The cells of kCategories are joined by
  /// kListSeparator. REQUIRES: counts of columns in range.
  std::vector<TableColumn> (*columns)(const Data& data) = nullptr;
  /// Fills in what the config leaves out; null: nothing.
  void (*fill_defaults)(Data* data) = nullptr;
  /// Checks what this kind adds to n_rows. `path` leads to the kind's message.
  void (*check)(const config::Checker& check, const config::ConfigPath& path,
                const Data& data) = nullptr;
};

/// The kind of generated data; nullptr if the data is not generated.
const WorldKind* ChosenWorld(const Data& data);
/// The number of lines. REQUIRES, for this and all functions below: the data is generated.
int64_t GeneratedRows(const Data& data);
/// Checks n_rows and what the kind adds.
void CheckWorld(const config::Checker& check, const Data& data);
/// Makes the source of a split. Throws Error if a column does not exist.
std::unique_ptr<Source> MakeGeneratedSource(const Job& job, const Split& split, LabelDomains labels,
                                            ExampleParser::Observer observer);
/// The names of the columns. REQUIRES: as WorldKind::columns.
std::vector<std::string> GeneratedColumns(const Data& data);
/// All lines as a table. Written to a file and read from there, they yield equal examples.
DataTable GeneratedTable(const Data& data);

/// Adds `column` with the names "NAMEfirst", ..., n of them, to the columns.
void AddNumbered(const TableColumn& column, int first, int n, std::vector<TableColumn>* columns);

}  // namespace zhiyin::worker::data
