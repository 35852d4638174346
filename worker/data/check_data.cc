#include "worker/data/check_data.h"

#include <string_view>

#include "common/file.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/check_behaviour.h"
#include "worker/data/check_text.h"
#include "worker/data/format/format.h"
#include "worker/data/generated/world.h"
#include "worker/data/joins.h"

namespace zhiyin::worker::data {
namespace {

void CheckGeneratedSplit(const config::Checker& check, const config::ConfigPath& path,
                         const Data& data, const Split& split) {
  const int64_t n_rows = GeneratedRows(data);
  if (split.first_row() >= n_rows) {
    check.Fail(path("first_row"), "is ", split.first_row(), ", expected less than data.",
               ChosenWorld(data)->name, ".n_rows, ", n_rows);
  }
  if (split.n_rows() > n_rows - split.first_row()) {
    check.Fail(path("n_rows"), "is ", split.n_rows(), ", expected at most ",
               n_rows - split.first_row(), ", the generated rows from first_row");
  }
}

void CheckSplit(const config::Checker& check, const config::ConfigPath& path, const Data& data,
                const Split& split, bool may_be_pipe) {
  const bool is_generated = ChosenWorld(data) != nullptr;
  if (is_generated && split.file_size() > 0)
    check.Fail(path("file", 0), "generated data is not read from files");
  CheckFiles(check, path, data, split.file(), may_be_pipe);
  check.CheckRange(path("first_row"), split.first_row(), int64_t{0}, int64_t{1} << 60);
  check.CheckRange(path("n_rows"), split.n_rows(), int64_t{0}, int64_t{1} << 60);
  if (is_generated) CheckGeneratedSplit(check, path, data, split);
}

void CheckColumns(const config::Checker& check, const config::ConfigPath& path, const Data& data) {
  constexpr int kMaxColumns = 1 << 20;
  const Data::Columns& columns = data.columns();
  if (!data.has_text()) check.Fail(path, "needs examples from files, expected data.text");
  check.CheckRange(path("n"), columns.n(), 1, kMaxColumns);
  if (columns.name_size() > 0 && columns.name_size() != columns.n())
    check.Fail(path("name"), "is given ", columns.name_size(), " times, expected n, ", columns.n());
  if (!columns.format().empty() && FormatNamed(columns.format()) == nullptr) {
    std::vector<std::string> known;
    for (const Format* format : Formats()) known.emplace_back(format->name);
    check.FailUnknown(path("format"), "format", columns.format(), known);
  }
}

void CheckIndex(const config::Checker& check, const config::ConfigPath& path, const Data& data) {
  if (!data.has_text()) check.Fail(path, "generated data is not read from files");
  if (data.has_behaviour()) {
    check.Fail(path,
               "data.behaviour is read whole by every job, expected data.index or data.behaviour");
  }
  if (!SchemeOf(data.index()).empty())
    check.Fail(path, "is a URL, \"", data.index(), "\", expected the path of a folder");
}

void CheckStatistics(const config::Checker& check, const config::ConfigPath& path,
                     const Data& data) {
  const zhiyin::Statistics& statistics = data.statistics();
  if (statistics.from_case() == zhiyin::Statistics::FROM_NOT_SET)
    check.Fail(path, "says nothing, expected sample_rows or model");
  if (statistics.has_model()) {
    const config::ConfigPath model = path("model");
    if (statistics.model().empty())
      check.Fail(model, "is empty, expected the folder of an earlier job");
    if (const std::string_view scheme = SchemeOf(statistics.model()); !scheme.empty())
      check.Fail(model, "is \"", statistics.model(), "\", which is on ", scheme,
                 ", expected a path that this host can open");
    return;
  }
  const config::ConfigPath sample = path("sample_rows");
  check.CheckRange(sample, statistics.sample_rows(), int64_t{1}, int64_t{1} << 48);
  if (!data.has_text()) check.Fail(sample, "needs examples from files, expected data.text");
  if (data.has_behaviour())
    check.Fail(sample, "cannot be combined with data.behaviour, which is read whole by every job");
  if (data.train().first_row() > 0 || data.train().n_rows() > 0) {
    check.Fail(sample,
               "needs all records of its files, expected no first_row and no n_rows in data.train: "
               "which records these are is not known before all have been counted");
  }
}

/// Checks the source; returns the names of its columns, none where the headers of the files will
/// tell them.
std::vector<std::string> CheckSource(const config::Checker& check, const Data& data) {
  if (data.has_text()) {
    CheckText(check, check.root()("data")("text"), data.text());
    // Other layouts have more columns than column_name says, if any.
    const bool may_be_delimited =
        data.text().layout_case() == zhiyin::Text::LAYOUT_NOT_SET || data.text().has_delimited();
    if (!may_be_delimited) return {};
    const auto& names = data.text().column_name();
    return {names.begin(), names.end()};
  }
  CheckWorld(check, data);
  return GeneratedColumns(data);
}

}  // namespace

void FillData(Data* data) {
  if (data->has_text()) FillText(data->mutable_text());
  const WorldKind* world = ChosenWorld(*data);
  if (world != nullptr && world->fill_defaults != nullptr) world->fill_defaults(data);
  FillJoins(data);
  if (data->has_behaviour()) FillBehaviour(data->mutable_behaviour());
  if (!data->has_max_bad_share()) data->set_max_bad_share(0.001);
  if (!data->has_shuffle_rows()) data->set_shuffle_rows(2'000'000);
}

KnownColumns CheckData(const config::Checker& check, const Job& job) {
  constexpr int64_t kMinShuffleRows = 256;
  const config::ConfigPath path = check.root()("data");
  const Data& data = job.data();
  if (data.source_case() == Data::SOURCE_NOT_SET)
    check.Fail(path, "has no source, expected text or one of the generated ones");
  if (!data.has_train()) check.Fail(path, "has no split to train on, expected train");
  check.CheckRange(path("max_bad_share"), data.max_bad_share(), 0.0, 1.0);
  if (!data.index().empty()) CheckIndex(check, path("index"), data);
  if (data.has_statistics()) CheckStatistics(check, path("statistics"), data);
  check.CheckRange(path("shuffle_rows"), data.shuffle_rows(), kMinShuffleRows, int64_t{1} << 40);
  std::vector<std::string> columns = CheckSource(check, data);
  if (data.has_columns()) CheckColumns(check, path("columns"), data);
  CheckJoins(check, data, &columns);
  if (data.has_behaviour() && !columns.empty())
    columns.insert(columns.end(), kBehaviourColumns.begin(), kBehaviourColumns.end());
  KnownColumns known(std::move(columns));
  if (data.has_behaviour()) CheckBehaviour(check, job, known);
  CheckSplit(check, path("train"), data, data.train(), /*may_be_pipe=*/true);
  if (data.has_validation())
    CheckSplit(check, path("validation"), data, data.validation(), /*may_be_pipe=*/false);
  if (data.has_test()) CheckSplit(check, path("test"), data, data.test(), /*may_be_pipe=*/true);
  return known;
}

}  // namespace zhiyin::worker::data
