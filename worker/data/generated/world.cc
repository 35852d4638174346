#include "worker/data/generated/world.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/config/kinds.h"
#include "worker/data/example_parser.h"
#include "worker/data/generated/worlds.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::data {
namespace {

class GeneratedSource final : public Source {
 public:
  GeneratedSource(const Job& job, const Split& split, const LabelDomains& labels,
                  ExampleParser::Observer observer)
      : name_(ChosenWorld(job.data())->name),
        world_(ChosenWorld(job.data())->make(job.data())),
        parser_(job, Schema::Of(job, AllColumns(job.data()), UseOf(labels)), labels,
                std::move(observer)),
        first_row_(split.first_row()) {
    n_rows_ = std::max<int64_t>(GeneratedRows(job.data()) - first_row_, 0);
    if (split.n_rows() > 0) n_rows_ = std::min(n_rows_, split.n_rows());
  }

  int64_t Read(int64_t block, Examples* rows, std::vector<BadLine>* bad) override {
    *rows = parser_.NewExamples();
    bad->clear();
    row_numbers_.clear();
    const int64_t begin = block * kBlockRecords;
    const int64_t end = std::min(begin + kBlockRecords, n_rows_);
    for (int64_t row = begin; row < end; ++row) {
      const std::string wrong = parser_.Parse(world_->Row(first_row_ + row), rows);
      if (wrong.empty()) {
        row_numbers_.push_back(first_row_ + row);
        continue;
      }
      bad->push_back({row, name_ + ": row ", first_row_ + row, wrong, false});
    }
    return std::max<int64_t>(end - begin, 0);
  }
  std::string PlaceOf(int64_t example) const override {
    return name_ + ": row " + std::to_string(row_numbers_.at(static_cast<size_t>(example)));
  }

 private:
  static Columns AllColumns(const Data& data) {
    const std::vector<std::string> names = GeneratedColumns(data);
    return {static_cast<int>(names.size()), names, std::string("data.") + ChosenWorld(data)->name};
  }

  std::string name_;
  std::unique_ptr<World> world_;
  ExampleParser parser_;
  int64_t first_row_;
  int64_t n_rows_;
  std::vector<int64_t> row_numbers_;  // of the examples of the block that was read last
};

/// Replaces *list by the categories that a cell joins.
void SplitList(std::string_view cell, std::vector<std::string_view>* list) {
  list->clear();
  while (true) {
    const size_t n = cell.find(kListSeparator);
    list->push_back(cell.substr(0, n));
    if (n == std::string_view::npos) return;
    cell.remove_prefix(n + 1);
  }
}

/// Gives all lines of generated data to a writer.
void WriteRows(const Data& data, std::span<const TableColumn> columns, TableWriter* writer) {
  const std::unique_ptr<World> world = ChosenWorld(data)->make(data);
  std::vector<Value> values(columns.size());
  std::vector<std::vector<std::string_view>> lists(columns.size());
  for (int64_t i = 0; i < GeneratedRows(data); ++i) {
    const std::span<const Value> cells = world->Row(i);
    for (size_t c = 0; c < columns.size(); ++c) {
      values[c] = cells[c].text().empty() ? Value() : cells[c];
      if (columns[c].kind != ColumnKind::kCategories || cells[c].text().empty()) continue;
      SplitList(cells[c].text(), &lists[c]);
      values[c] = Value::List(lists[c]);
    }
    writer->Row(values);
  }
}

}  // namespace

std::span<const Value> World::Row(int64_t i) {
  Make(i);
  for (size_t c = 0; c < cells_.size(); ++c) values_[c] = cells_[c];
  return values_;
}

double World::SetNumber(size_t column, double value) {
  const float number = static_cast<float>(value);
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), static_cast<double>(number),
                                          std::chars_format::general, 9);
  cells_[column].assign(text, end);
  return number;
}

std::span<const WorldKind* const> Worlds() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const WorldKind* kWorlds[] = {ZHIYIN_WORLDS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kWorlds;
}

const WorldKind* ChosenWorld(const Data& data) {
  return config::FindKind(Worlds(), config::ChosenName(data, "source"));
}

int64_t GeneratedRows(const Data& data) {
  const auto* field = Data::descriptor()->FindFieldByName(ChosenWorld(data)->name);
  const google::protobuf::Message& world = data.GetReflection()->GetMessage(data, field);
  return world.GetReflection()->GetInt64(world, world.GetDescriptor()->FindFieldByName("n_rows"));
}

void CheckWorld(const config::Checker& check, const Data& data) {
  const WorldKind* kind = ChosenWorld(data);
  const config::ConfigPath path = check.root()("data")(kind->name);
  check.CheckRange(path("n_rows"), GeneratedRows(data), int64_t{1}, int64_t{1} << 40);
  if (kind->check != nullptr) kind->check(check, path, data);
}

void AddNumbered(const TableColumn& column, int first, int n, std::vector<TableColumn>* columns) {
  for (int i = first; i < first + n; ++i)
    columns->push_back({column.name + std::to_string(i), column.kind, column.is_label});
}

std::unique_ptr<Source> MakeGeneratedSource(const Job& job, const Split& split, LabelDomains labels,
                                            ExampleParser::Observer observer) {
  return std::make_unique<GeneratedSource>(job, split, std::move(labels), std::move(observer));
}

std::vector<std::string> GeneratedColumns(const Data& data) {
  std::vector<std::string> names;
  for (const TableColumn& column : ChosenWorld(data)->columns(data)) names.push_back(column.name);
  return names;
}

DataTable GeneratedTable(const Data& data) {
  const std::vector<TableColumn> columns = ChosenWorld(data)->columns(data);
  return {columns, [data, columns](TableWriter* writer) { WriteRows(data, columns, writer); }};
}

}  // namespace zhiyin::worker::data
