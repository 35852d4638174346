#include "ps/checkpoint.h"

#include <gmock/gmock.h>

#include <map>

#include "common/error.h"
#include "common/partitioner.h"
#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::ps {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

Job ModelJob() {
  return testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 3);
}

std::vector<Table> EmptyTables() {
  std::vector<Table> tables;
  for (const TableSpec& spec : TableSpecs(ModelJob())) tables.emplace_back(spec, 1);
  return tables;
}

std::vector<Key> SomeKeys(TableId table) {
  std::vector<Key> keys(table == kDenseTable ? 5 : 300);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = table == kDenseTable ? i : Mix(i);
  return keys;
}

/// Saves the model as `n_servers` would and returns its manifest.
Manifest SaveAs(int n_servers, const TempFolder& folder) {
  Manifest manifest;
  for (int server = 0; server < n_servers; ++server) {
    std::vector<Table> tables = EmptyTables();
    for (TableId t = 0; t < tables.size(); ++t) {
      for (Key key : SomeKeys(t)) {
        if (ServerOf(t, key, n_servers) != server) continue;
        std::byte* row = nullptr;
        tables[t].FindOrForce({&key, 1}, {&row, 1});
        for (size_t i = 0; i < tables[t].layout().bytes(); ++i) row[i] = static_cast<std::byte>(key + i);
      }
    }
    const std::string name = "rows-" + std::to_string(server) + ".bin";
    const SavedRows saved = SaveRows(folder.Path(name), tables, [] {});
    Manifest::RowFile* file = manifest.add_file();
    file->set_name(name);
    file->set_n_rows(saved.n_rows);
    file->set_n_bytes(saved.n_bytes);
    file->set_digest(saved.digest);
  }
  return manifest;
}

std::string LoadError(const TempFolder& folder, const Manifest& manifest, std::vector<Table> tables) {
  try {
    LoadRows(folder.Path(), manifest, {1, 1}, 0, &tables, [] {});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Checkpoint, LoadsOnAnyNumberOfServers) {
  for (int n_before : {1, 4}) {
    TempFolder folder;
    const Manifest manifest = SaveAs(n_before, folder);
    for (int n_after : {1, 3, 7}) {
      int64_t n_rows = 0;
      for (int server = 0; server < n_after; ++server) {
        std::vector<Table> tables = EmptyTables();
        LoadRows(folder.Path(), manifest, {n_after, 1}, server, &tables, [] {});
        for (TableId t = 0; t < tables.size(); ++t) {
          n_rows += tables[t].n_rows();
          for (Key key : SomeKeys(t)) {
            std::byte* row = nullptr;
            tables[t].Find({&key, 1}, {&row, 1});
            ASSERT_EQ(row != nullptr, ServerOf(t, key, n_after) == server);
            if (row == nullptr) continue;
            for (size_t i = 0; i < tables[t].layout().bytes(); ++i)
              ASSERT_EQ(row[i], static_cast<std::byte>(key + i));
          }
        }
      }
      EXPECT_EQ(n_rows, 605);
    }
  }
}

/// Tables whose rows wait for their second sighting and age.
std::vector<Table> ChoosyTables(bool exact, int64_t size = 100000) {
  std::vector<Table> tables;
  for (TableSpec spec : TableSpecs(ModelJob())) {
    if (spec.id != kDenseTable) {
      if (exact) {
        spec.admission.mutable_exact()->set_sightings(2);
        spec.admission.mutable_exact()->set_max_candidates(size);
      } else {
        spec.admission.mutable_counting_bloom()->set_sightings(2);
        spec.admission.mutable_counting_bloom()->set_bytes(40 * size);
      }
      spec.storage = BF16;
      spec.eviction.set_ttl_steps(10);
      spec.eviction.set_sweep_steps(1);
    }
    tables.emplace_back(spec, 1);
  }
  return tables;
}

bool Pull(Table* table, Key key, uint64_t step) {
  std::byte* row = nullptr;
  table->FindOrCreate({&key, 1}, step, {&row, 1});
  return row != nullptr;
}

/// Keys 0 to 99 have been seen once; of 100 to 199 the even ones twice, lately.
Manifest SaveChoosy(bool exact, const TempFolder& folder) {
  std::vector<Table> tables = ChoosyTables(exact);
  for (Key key = 0; key < 200; ++key) Pull(&tables[1], Mix(key), 1);
  for (Key key = 100; key < 200; key += 2) EXPECT_TRUE(Pull(&tables[1], Mix(key), 20));
  const SavedRows saved = SaveRows(folder.Path("rows-0.bin"), tables, [] {});
  Manifest manifest;
  Manifest::RowFile* file = manifest.add_file();
  file->set_name("rows-0.bin");
  file->set_n_rows(saved.n_rows);
  file->set_n_bytes(saved.n_bytes);
  file->set_digest(saved.digest);
  return manifest;
}

TEST(Checkpoint, SightingsAndAgesSurvive) {
  for (const bool exact : {true, false}) {
    TempFolder folder;
    const Manifest manifest = SaveChoosy(exact, folder);
    int n_admitted = 0;
    int n_new = 0;
    for (int server = 0; server < 3; ++server) {
      std::vector<Table> tables = ChoosyTables(exact);
      LoadRows(folder.Path(), manifest, {3, 1}, server, &tables, [] {});
      const int64_t n_loaded = tables[1].n_rows();
      EXPECT_EQ(tables[1].counts().loaded, n_loaded);
      tables[1].EndStep(30, Table::kNoneInUse);
      EXPECT_EQ(tables[1].n_rows(), n_loaded) << "pulled at step 20, they may rest until 30";
      for (Key key = 0; key < 100; ++key) {
        if (ServerOf(1, Mix(key), 3) != server) continue;
        n_admitted += Pull(&tables[1], Mix(key), 30);
        n_new += Pull(&tables[1], Mix(key + 1000), 30);
      }
      tables[1].EndStep(31, Table::kNoneInUse);
      EXPECT_EQ(tables[1].counts().expired, n_loaded);
    }
    EXPECT_EQ(n_admitted, 100) << "their second sighting";
    EXPECT_LE(n_new, exact ? 0 : 2) << "their first";
  }
}

TEST(Checkpoint, SightingsOfOtherSettingsAreRefused) {
  TempFolder folder;
  const Manifest manifest = SaveChoosy(true, folder);
  EXPECT_THAT(LoadError(folder, manifest, ChoosyTables(true, 10)), HasSubstr("another table.admission"));
}

TEST(Checkpoint, TheSameRowsAreTheSameBytes) {
  TempFolder first;
  TempFolder second;
  EXPECT_EQ(SaveAs(1, first).file(0).digest(), SaveAs(1, second).file(0).digest());
}

TEST(Checkpoint, RefusesWhatIsDamaged) {
  TempFolder folder;
  const Manifest manifest = SaveAs(1, folder);
  const std::string whole = testing::ReadFile(folder.Path("rows-0.bin"));
  EXPECT_EQ(LoadError(folder, manifest, EmptyTables()), "");

  Random random(1);
  for (int i = 0; i < 200; ++i) {  // one flipped bit anywhere
    std::string flipped = whole;
    flipped[random.Below(flipped.size())] ^= static_cast<char>(1 << random.Below(8));
    folder.Write("rows-0.bin", flipped);
    EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("rows-0.bin"));
  }
  folder.Write("rows-0.bin", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("bytes, expected"));
  folder.Write("rows-0.bin", whole + "x");
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("bytes, expected"));
  std::filesystem::remove(folder.Path("rows-0.bin"));
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("cannot open"));
}

TEST(Checkpoint, RefusesOtherTables) {
  TempFolder folder;
  const Manifest manifest = SaveAs(1, folder);
  Job wider = ModelJob();
  wider.mutable_table(1)->set_dim(4);
  std::vector<Table> tables;
  for (const TableSpec& spec : TableSpecs(wider)) tables.emplace_back(spec, 1);
  EXPECT_THAT(LoadError(folder, manifest, std::move(tables)), HasSubstr("table items of dim 3"));
}

TEST(Checkpoint, RefusesNamesOutsideItsFolder) {
  TempFolder folder;
  Manifest manifest = SaveAs(1, folder);
  manifest.mutable_file(0)->set_name("../rows-0.bin");
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("not in the folder"));
}

TEST(Checkpoint, AnUnwritableFileIsAnError) {
  EXPECT_THROW(SaveRows("/nowhere/rows.bin", EmptyTables(), [] {}), Error);
}

}  // namespace
}  // namespace zhiyin::ps
