#include "launch/apps/inspect/inspect.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "common/number.h"
#include "common/text.h"
#include "configs/manifest.pb.h"
#include "launch/job/load_job.h"
#include "launch/job/load_saved.h"
#include "ps/save/checkpoint.h"
#include "ps/save/row_carry.h"
#include "ps/table/table.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/job_changes.h"
#include "worker/saved/saved_model.h"
#include "worker/train/chief_state.h"

namespace zhiyin::launch::apps {
namespace {

using ps::table::Table;

template <typename... Arguments>
std::string Format(const char* format, const Arguments&... arguments) {
  char text[512];
  std::snprintf(text, sizeof(text), format, arguments...);
  return text;
}

std::string_view BytesOfRow(std::span<const std::byte> row) {
  return {reinterpret_cast<const char*>(row.data()), row.size()};
}

/// A folder with a manifest, and its empty tables.
struct Model {
  explicit Model(const std::string& path)
      : saved(job::LoadSaved(path)),
        manifest(saved.back().manifest),
        tables(ps::table::EmptyTables(manifest.job())) {}
  void Visit(const ps::save::VisitRow& visit) const { ps::save::VisitRows(saved, visit); }

  ps::save::SavedChain saved;
  Manifest manifest;
  std::vector<Table> tables;
};

/// The counts of a table's rows.
struct TableSum {
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
  double squares = 0;
  double largest = 0;
  uint64_t digest = 0;  // independent of their order and of the number of files
};

std::vector<float> WeightsOf(const Table& table, std::span<const std::byte> row) {
  std::vector<float> weights(static_cast<size_t>(table.dim()));
  ToFloats(table.layout().number, row.data(), weights.size(), weights.data());
  return weights;
}

std::vector<TableSum> SumUp(Model* model) {
  std::vector<TableSum> sums(model->tables.size());
  model->Visit([&](TableId t, Key key, std::span<const std::byte> row) {
    TableSum& sum = sums[t];
    ++sum.n_rows;
    sum.n_bytes += static_cast<int64_t>(sizeof(Key) + row.size());
    sum.digest += Mix(HashBytes(BytesOfRow(row), key));
    for (const float w : WeightsOf(model->tables[t], row)) {
      sum.squares += static_cast<double>(w) * w;
      sum.largest = std::max<double>(sum.largest, std::abs(w));
    }
  });
  return sums;
}

std::string OptimizerName(const zhiyin::Optimizer& optimizer) {
  const google::protobuf::OneofDescriptor* kind = zhiyin::Optimizer::descriptor()->oneof_decl(0);
  const google::protobuf::FieldDescriptor* field =
      optimizer.GetReflection()->GetOneofFieldDescriptor(optimizer, kind);
  return field == nullptr ? "none" : field->name();
}

std::string DescribeProgress(const Manifest& manifest) {
  const Job& job = manifest.job();
  std::string text =
      "  job " + job.name() + ", format " + std::to_string(manifest.format_version()) + "\n";
  text += "  step " + std::to_string(manifest.step()) + ", " + std::to_string(manifest.epoch()) +
          " of " + std::to_string(job.train().epochs()) + " epochs over";
  if (!manifest.has_progress()) return text + "; a model, without the progress of a job\n";
  const Progress& progress = manifest.progress();
  text += ", " + std::to_string(progress.n_rows()) + " rows in " +
          std::to_string(progress.n_slices()) + " slices an epoch, begun with " +
          std::to_string(progress.n_workers()) +
          (progress.n_workers() == 1 ? " worker\n" : " workers\n");
  if (progress.epoch() > 0)
    text += Format("  train loss of the last whole epoch %.6g\n", progress.train_loss());
  if (!progress.has_evaluated()) return text;
  text += Format("  test loss %.6g, %" PRId64 " rows\n", progress.evaluated().loss(),
                 progress.evaluated().n_rows());
  for (const Progress::TaskResult& task : progress.evaluated().task()) {
    text += "  task " + task.name() + ":";
    if (task.has_auc()) text += Format(" AUC %.5f", task.auc());
    if (task.has_log_loss()) text += Format(" log loss %.5f", task.log_loss());
    if (task.has_rmse()) text += Format(" RMSE %.5f", task.rmse());
    text += "\n";
  }
  return text;
}

/// Lines about a checkpoint that does not hold all of its rows itself.
std::string DescribeChanges(const Manifest& manifest) {
  if (!manifest.has_base()) return "";
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
  for (const Manifest::RowFile& file : manifest.file()) {
    n_rows += file.n_rows();
    n_bytes += file.n_bytes();
  }
  return Format("  holds what has changed since %s: %" PRId64 " rows, %" PRId64 " bytes\n",
                manifest.base().name().c_str(), n_rows, n_bytes);
}

/// Checks and describes; false: damaged.
bool Describe(const std::string& folder, const InspectCommand& command) {
  command.print(folder + "\n");
  try {
    Model model(folder);
    const std::vector<TableSum> sums = SumUp(&model);
    int64_t n_bytes = 0;
    int n_files = 0;
    for (const ps::save::SavedFolder& part : model.saved) {
      for (const Manifest::RowFile& file : part.manifest.file()) n_bytes += file.n_bytes();
      n_files += part.manifest.file_size();
    }
    if (model.manifest.has_progress()) {
      worker::train::ReadChiefState(model.saved.back().path, model.manifest);
      n_bytes += model.manifest.progress().state().n_bytes();
      n_files += model.manifest.progress().has_state() ? 1 : 0;
    }
    std::string text = DescribeProgress(model.manifest) + DescribeChanges(model.manifest);
    uint64_t digest = 0;
    for (size_t t = 0; t < sums.size(); ++t) {
      const Table& table = model.tables[t];
      const double n_numbers = static_cast<double>(sums[t].n_rows) * table.dim();
      digest = Mix(digest ^ sums[t].digest);
      text += Format("  table %s: %" PRId64 " rows of dim %d %s, %s, %" PRId64
                     " bytes; weights: root mean square %.4g, largest %.4g\n",
                     table.name().c_str(), sums[t].n_rows, table.dim(),
                     NumberType_Name(table.layout().number).c_str(),
                     OptimizerName(table.spec().optimizer).c_str(), sums[t].n_bytes,
                     n_numbers > 0 ? std::sqrt(sums[t].squares / n_numbers) : 0.0, sums[t].largest);
    }
    text += Format("  digest of all rows %016" PRIx64 "\n", digest);
    text += Format("  whole: %d files, %" PRId64 " bytes, every checksum fits\n", n_files, n_bytes);
    command.print(text);
    return true;
  } catch (const Error& e) {
    command.print(std::string("  DAMAGED: ") + e.what() + "\n");
    return false;
  }
}

/// The embedding row that --row names.
struct RowName {
  TableId table = 0;
  Key key = 0;
};

RowName ParseRow(const std::string& text, const Job& job) {
  const auto table_of = [&](const std::string& name) -> std::optional<TableId> {
    for (const ps::table::TableSpec& spec : ps::table::TableSpecs(job)) {
      if (spec.name == name) return spec.id;
    }
    return {};
  };
  if (const size_t equals = text.find('='); equals != text.npos) {
    const std::string name = text.substr(0, equals);
    for (const Field& field : job.field()) {
      if (field.name() != name) continue;
      const CategoryHasher hash(field.vocabulary().empty() ? field.name() : field.vocabulary());
      return {table_of(field.table()).value(), hash(text.substr(equals + 1))};
    }
    Fail("--row=", text, ": the job has no field ", name);
  }
  const size_t colon = text.rfind(':');
  RowName row;
  if (colon == text.npos)
    Fail("--row=", text, ": expected FIELD=VALUE, or TABLE:KEY with the key in hexadecimal");
  const std::optional<TableId> table = table_of(text.substr(0, colon));
  if (!table) Fail("--row=", text, ": the job has no table ", text.substr(0, colon));
  row.table = *table;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, row.key, 16);
  if (error != std::errc() || stop != end)
    Fail("--row=", text, ": \"", text.substr(colon + 1),
         "\" is no key, expected up to 16 hexadecimal digits");
  return row;
}

std::string Numbers(std::span<const float> numbers) {
  std::string text;
  for (const float x : numbers) text += Format(" %.9g", static_cast<double>(x));
  return text;
}

void PrintRow(const std::string& folder, const InspectCommand& command) {
  Model model(folder);
  const RowName wanted = ParseRow(command.row, model.manifest.job());
  std::string text;
  model.Visit([&](TableId t, Key key, std::span<const std::byte> bytes) {
    if (t != wanted.table || key != wanted.key) return;
    const Table& table = model.tables[t];
    std::vector<std::byte> row(bytes.begin(), bytes.end());
    text += Format("  row %016" PRIx64 " of table %s\n", key, table.name().c_str());
    text += "    weights:" + Numbers(WeightsOf(table, row)) + "\n";
    std::vector<float> state(static_cast<size_t>(table.layout().state_floats));
    if (!state.empty())
      std::memcpy(state.data(), table.layout().StateOf(row.data()), state.size() * sizeof(float));
    text += "    state of " + OptimizerName(table.spec().optimizer) + ":" + Numbers(state) + "\n";
    if (!table.layout().tracks_use) return;
    ps::table::RowUse use;
    std::memcpy(&use, row.data() + table.layout().use_offset(), sizeof(use));
    text += Format("    last pulled by step %u, %u times since the last sweep\n", use.last_step,
                   static_cast<unsigned>(use.n_pulls));
  });
  if (text.empty())
    Fail("--row=", command.row, ": ", folder, " has no row ", Format("%016" PRIx64, wanted.key),
         " in table ", model.tables[wanted.table].name());
  command.print(text);
}

/// The table of a model whose rows those of another model's table are compared with.
struct TablePair {
  std::optional<TableId> first;  // nothing: they are not compared
  std::string why_not;
  bool all_bytes = true;  // otherwise only the weights
};

/// Finds the table for table `t` of the second model, by its name: rows of one key mean the same
/// in tables of one name and dim, whatever else of the jobs differs.
TablePair PairOf(const Model& first, const Model& second, TableId t) {
  const Table& now = second.tables[t];
  for (TableId f = 0; f < first.tables.size(); ++f) {
    const Table& before = first.tables[f];
    if (before.name() != now.name()) continue;
    if (t == kDenseTable && (first.manifest.n_weights() != second.manifest.n_weights() ||
                             !ps::save::HaveSameModel(first.manifest.job(), second.manifest.job())))
      return {{}, "not compared: fields, tasks or the model differ, and with them their meaning"};
    if (before.dim() != now.dim())
      return {{}, TextOf("not compared: dim is ", now.dim(), ", was ", before.dim())};
    const ps::table::RowLayout& a = before.layout();
    const ps::table::RowLayout& b = now.layout();
    return {f, "",
            before.spec().optimizer.kind_case() == now.spec().optimizer.kind_case() &&
                a.number == b.number && a.state_floats == b.state_floats &&
                a.tracks_use == b.tracks_use};
  }
  return {{}, "was not there"};
}

/// What came of comparing the rows of a pair of tables.
struct RowCount {
  int64_t n_same = 0;
  int64_t n_changed = 0;
  int64_t n_new = 0;
  double largest = 0;  // difference of a weight
};

/// Compares a row of table `now` with that of its key in table `before`.
void CountRow(const TablePair& pair, Table* before, const Table& now, Key key,
              std::span<const std::byte> row, RowCount* count) {
  std::byte* found = nullptr;
  before->Find(std::span(&key, 1), std::span(&found, 1));
  if (found == nullptr) {
    ++count->n_new;
    return;
  }
  const std::span<const std::byte> old_row(found, before->layout().bytes());
  const std::vector<float> was = WeightsOf(*before, old_row);
  const std::vector<float> is = WeightsOf(now, row);
  const bool same = pair.all_bytes ? std::ranges::equal(old_row, row) : std::ranges::equal(was, is);
  ++(same ? count->n_same : count->n_changed);
  for (size_t i = 0; i < is.size(); ++i)
    count->largest = std::max<double>(count->largest, std::abs(double{is[i]} - was[i]));
}

/// The lines about the rows of all tables; sets *same to false where any differ.
std::string CompareRows(Model* first, const Model& second, bool* same) {
  ps::save::LoadRows(
      first->saved, ps::save::CarryAll(first->tables.size()), {1, 1}, 0, &first->tables, [] {},
      Beside::kThread);
  std::vector<TablePair> pairs;
  std::vector<bool> is_paired(first->tables.size());
  for (TableId t = 0; t < second.tables.size(); ++t) {
    pairs.push_back(PairOf(*first, second, t));
    if (pairs[t].first) is_paired[*pairs[t].first] = true;
  }
  std::vector<RowCount> counts(second.tables.size());
  second.Visit([&](TableId t, Key key, std::span<const std::byte> row) {
    if (pairs[t].first)
      CountRow(pairs[t], &first->tables[*pairs[t].first], second.tables[t], key, row, &counts[t]);
  });
  std::string text;
  for (TableId t = 0; t < second.tables.size(); ++t) {
    const std::string name = "  table " + second.tables[t].name() + ": ";
    if (!pairs[t].first) {
      text += name + pairs[t].why_not + "\n";
      *same = false;
      continue;
    }
    const RowCount& count = counts[t];
    const int64_t n_gone = first->tables[*pairs[t].first].n_rows() - count.n_same - count.n_changed;
    text += name + Format("%" PRId64 " rows are the same, %" PRId64
                          " changed (weights by at most %.4g), %" PRId64 " new, %" PRId64 " gone",
                          count.n_same, count.n_changed, count.largest, count.n_new, n_gone);
    text += pairs[t].all_bytes ? "\n" : "; only weights are compared, rows have other parts\n";
    *same = *same && count.n_changed == 0 && count.n_new == 0 && n_gone == 0;
  }
  for (TableId f = 0; f < first->tables.size(); ++f) {
    const std::string& name = first->tables[f].name();
    if (is_paired[f] || std::ranges::any_of(second.tables, [&](const Table& table) {
          return table.name() == name;
        }))
      continue;
    text += "  table " + name + ": is gone, with " + std::to_string(first->tables[f].n_rows()) +
            " rows\n";
    *same = false;
  }
  return text;
}

/// False: they differ.
bool Compare(const std::string& folder, const std::string& other, const InspectCommand& command) {
  Model first(folder);
  const Model second(other);
  command.print("against " + other + "\n");
  const worker::saved::JobDifferences differences =
      worker::saved::Differences(first.manifest.job(), second.manifest.job());
  bool same = first.manifest.step() == second.manifest.step();
  std::string text;
  if (!same)
    text += "  step: is " + std::to_string(second.manifest.step()) + ", was " +
            std::to_string(first.manifest.step()) + "\n";
  for (const std::string& part : differences.added) text += "  job: added " + part + "\n";
  same = same && differences.added.empty();
  for (const auto& list : {differences.refused, differences.with_added, differences.allowed}) {
    for (const std::string& difference : list) text += "  job: " + difference + "\n";
    same = same && list.empty();
  }
  text += CompareRows(&first, second, &same);
  command.print(text + (same ? "  the same\n" : "  different\n"));
  return same;
}

/// A model's folder, or all of an output folder, the newest checkpoint first.
std::vector<std::string> FoldersOf(const std::string& path) {
  if (worker::saved::HasManifest(path)) return {path};
  std::vector<std::string> folders = worker::saved::FindCheckpoints(path);
  if (const std::string model = path + "/model"; worker::saved::HasManifest(model))
    folders.push_back(model);
  if (folders.empty()) folders.push_back(worker::saved::FindModel(path));
  return folders;
}

}  // namespace

int Inspect(const InspectCommand& command) {
  const std::vector<std::string> folders = FoldersOf(command.checkpoint);
  bool is_good = true;
  if (command.row.empty() && command.against.empty()) {
    for (const std::string& folder : folders) is_good = Describe(folder, command) && is_good;
  } else {
    is_good = Describe(folders[0], command);
    if (is_good && !command.row.empty()) PrintRow(folders[0], command);
    if (is_good && !command.against.empty())
      is_good = Compare(folders[0], FoldersOf(command.against)[0], command);
  }
  return is_good ? 0 : 1;
}

}  // namespace zhiyin::launch::apps
