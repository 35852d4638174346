#include "ps/save/checkpoint.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "common/block_file.h"
#include "common/error.h"
#include "common/random.h"
#include "ps/partitioner.h"
#include "ps/save/row_saver.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::ps::save {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

Job ModelJob() {
  return testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 3);
}

std::vector<table::Table> EmptyTables() {
  return table::EmptyTables(ModelJob());
}

std::vector<Key> SomeKeys(TableId table) {
  std::vector<Key> keys(table == kDenseTable ? 5 : 300);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = table == kDenseTable ? i : Mix(i);
  return keys;
}

Job JobOf(const std::vector<table::Table>& tables) {
  Job job;
  job.mutable_train()->mutable_dense_optimizer()->CopyFrom(tables[0].spec().optimizer);
  for (size_t t = 1; t < tables.size(); ++t) {
    const table::TableSpec& spec = tables[t].spec();
    zhiyin::Table* table = job.add_table();
    table->set_name(spec.name);
    table->set_dim(spec.dim);
    *table->mutable_optimizer() = spec.optimizer;
    table->set_storage(spec.storage);
    *table->mutable_admission() = spec.admission;
    *table->mutable_eviction() = spec.eviction;
  }
  return job;
}

void AddFile(const std::string& name, const SavedRows& saved, Manifest* manifest) {
  Manifest::RowFile* file = manifest->add_file();
  file->set_name(name);
  file->set_n_rows(saved.n_rows);
  file->set_n_bytes(saved.n_bytes);
  file->set_digest(saved.digest);
  file->set_is_changes(saved.is_changes);
}

/// From a manifest that says nothing of the job: it is that of the tables.
void Load(const TempFolder& folder, Manifest manifest, const net::RoleMap& roles, int server,
          std::vector<table::Table>* tables) {
  *manifest.mutable_job() = JobOf(*tables);
  LoadRows({{folder.Path(), manifest}}, CarryAll(tables->size()), roles, server, tables, [] {});
}

/// Saves the model as `n_servers` would and returns its manifest.
Manifest SaveAs(int n_servers, const TempFolder& folder) {
  Manifest manifest;
  for (int server = 0; server < n_servers; ++server) {
    std::vector<table::Table> tables = EmptyTables();
    for (TableId t = 0; t < tables.size(); ++t) {
      for (Key key : SomeKeys(t)) {
        if (ServerOf(t, key, n_servers) != server) continue;
        std::byte* row = nullptr;
        tables[t].FindOrForce({&key, 1}, {&row, 1});
        for (size_t i = 0; i < tables[t].layout().bytes(); ++i)
          row[i] = static_cast<std::byte>(key + i);
      }
    }
    const std::string name = "rows-" + std::to_string(server) + ".bin";
    AddFile(name, SaveRows(folder.Path(name), SaveKind::kModel, &tables, [] {}), &manifest);
  }
  return manifest;
}

std::string LoadError(const TempFolder& folder, const Manifest& manifest,
                      std::vector<table::Table> tables) {
  try {
    Load(folder, manifest, {1, 1}, 0, &tables);
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
        std::vector<table::Table> tables = EmptyTables();
        Load(folder, manifest, {n_after, 1}, server, &tables);
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

/// Tables whose rows wait for their second occurrence and age.
std::vector<table::Table> ChoosyTables(bool exact, int64_t size = 100000) {
  std::vector<table::Table> tables;
  for (table::TableSpec spec : table::TableSpecs(ModelJob())) {
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

bool Pull(table::Table* table, Key key, uint64_t step) {
  std::byte* row = nullptr;
  table->FindOrCreate({&key, 1}, step, {&row, 1});
  return row != nullptr;
}

/// Keys 0 to 99 have been seen once; of 100 to 199 the even ones twice, lately.
Manifest SaveChoosy(bool exact, const TempFolder& folder) {
  std::vector<table::Table> tables = ChoosyTables(exact);
  for (Key key = 0; key < 200; ++key) Pull(&tables[1], Mix(key), 1);
  for (Key key = 100; key < 200; key += 2) EXPECT_TRUE(Pull(&tables[1], Mix(key), 20));
  Manifest manifest;
  AddFile("rows-0.bin", SaveRows(folder.Path("rows-0.bin"), SaveKind::kModel, &tables, [] {}),
          &manifest);
  return manifest;
}

TEST(Checkpoint, OccurrencesAndAgesSurvive) {
  for (const bool exact : {true, false}) {
    TempFolder folder;
    const Manifest manifest = SaveChoosy(exact, folder);
    int n_admitted = 0;
    int n_new = 0;
    for (int server = 0; server < 3; ++server) {
      std::vector<table::Table> tables = ChoosyTables(exact);
      Load(folder, manifest, {3, 1}, server, &tables);
      const int64_t n_loaded = tables[1].n_rows();
      EXPECT_EQ(tables[1].counts().loaded, n_loaded);
      tables[1].EndStep(30, table::Table::kNoneInUse);
      EXPECT_EQ(tables[1].n_rows(), n_loaded) << "pulled at step 20, they may rest until 30";
      for (Key key = 0; key < 100; ++key) {
        if (ServerOf(1, Mix(key), 3) != server) continue;
        n_admitted += Pull(&tables[1], Mix(key), 30);
        n_new += Pull(&tables[1], Mix(key + 1000), 30);
      }
      tables[1].EndStep(31, table::Table::kNoneInUse);
      EXPECT_EQ(tables[1].counts().expired, n_loaded);
    }
    EXPECT_EQ(n_admitted, 100) << "their second occurrence";
    EXPECT_LE(n_new, exact ? 0 : 2) << "their first";
  }
}

TEST(Checkpoint, FilesOfFormat5AreRead) {
  TempFolder folder;
  Manifest manifest = SaveAs(1, folder);
  BlockReader file(folder.Path("rows-0.bin"));
  std::string content(static_cast<size_t>(file.n_left()), '\0');
  file.Read(std::as_writable_bytes(std::span(content)));
  ASSERT_TRUE(content.starts_with("ZYROWS6\n"));
  content[6] = '5';
  BlockWriter old(folder.Path("old.bin"));
  old.Write(std::as_bytes(std::span(content)));
  old.Commit();
  manifest.mutable_file(0)->set_name("old.bin");
  manifest.mutable_file(0)->set_digest(old.digest());
  std::vector<table::Table> tables = EmptyTables();
  Load(folder, manifest, {1, 1}, 0, &tables);
  EXPECT_EQ(tables[1].n_rows(), 300);
}

TEST(Checkpoint, OccurrencesTakeTheBytesOfWhatWasSeen) {
  for (const bool exact : {true, false}) {
    TempFolder folder;
    // Room for ten million keys.
    std::vector<table::Table> tables = ChoosyTables(exact, 10'000'000);
    const int64_t n_before =
        SaveRows(folder.Path("none"), SaveKind::kModel, &tables, [] {}).n_bytes;
    for (Key key = 0; key < 30; ++key) EXPECT_FALSE(Pull(&tables[1], Mix(key), 1));
    tables[1].EndStep(2, table::Table::kNoneInUse);
    const int64_t n_bytes = SaveRows(folder.Path("some"), SaveKind::kModel, &tables, [] {}).n_bytes;
    EXPECT_LT(n_bytes, n_before + 30 * 64);
  }
}

TEST(Checkpoint, OpenStepsOfSeveralServersCanBeSavedAgain) {
  constexpr int kServers = 4;
  constexpr Key kKeys = 240;
  for (const bool exact : {true, false}) {
    // Each server has steps open that no other one has, as where workers reach it at other times.
    TempFolder first;
    Manifest manifest;
    for (int server = 0; server < kServers; ++server) {
      std::vector<table::Table> tables = ChoosyTables(exact);
      for (Key key = 0; key < kKeys; ++key) {
        if (ServerOf(1, Mix(key), kServers) != server) continue;
        EXPECT_FALSE(Pull(&tables[1], Mix(key), 10 * (key % 5) + static_cast<uint64_t>(server)));
      }
      const std::string name = "rows-" + std::to_string(server) + ".bin";
      AddFile(name, SaveRows(first.Path(name), SaveKind::kModel, &tables, [] {}), &manifest);
    }
    std::vector<table::Table> tables = ChoosyTables(exact);
    Load(first, manifest, {1, 1}, 0, &tables);
    TempFolder second;
    Manifest of_one;
    AddFile("rows.bin", SaveRows(second.Path("rows.bin"), SaveKind::kModel, &tables, [] {}),
            &of_one);
    int n_admitted = 0;
    for (int server = 0; server < 2; ++server) {
      std::vector<table::Table> again = ChoosyTables(exact);
      Load(second, of_one, {2, 1}, server, &again);
      for (Key key = 0; key < kKeys; ++key) {
        if (ServerOf(1, Mix(key), 2) == server) n_admitted += Pull(&again[1], Mix(key), 1000);
      }
    }
    EXPECT_EQ(n_admitted, static_cast<int>(kKeys)) << "their second occurrence";
  }
}

TEST(Checkpoint, CopiesOfOccurrencesAreCountedAndFreedAsTheyAreWritten) {
  TempFolder folder(TempFolder::kInMemory);
  for (const bool exact : {true, false}) {
    std::vector<table::Table> none = ChoosyTables(exact);
    RowSaver without(
        folder.Path("none"), SaveKind::kModel, &none, [] {}, Beside::kNobody);
    std::vector<table::Table> tables = ChoosyTables(exact);
    for (Key key = 0; key < 50'000; ++key) EXPECT_FALSE(Pull(&tables[1], Mix(key), 1));
    tables[1].EndStep(2, table::Table::kNoneInUse);
    int n_ticks = 0;
    RowSaver saver(
        folder.Path("some"), SaveKind::kModel, &tables, [&] { ++n_ticks; }, Beside::kNobody);
    EXPECT_GE(n_ticks, kNumShards);
    const int64_t n_counts = saver.n_bytes_of_counts();
    EXPECT_GT(n_counts, 50'000);
    EXPECT_EQ(saver.n_bytes_kept() - n_counts,
              without.n_bytes_kept() - without.n_bytes_of_counts());
    std::set<int64_t> seen;
    for (; !saver.IsDone(); saver.Advance(/*may_wait=*/true))
      seen.insert(saver.n_bytes_of_counts());
    EXPECT_GT(seen.size(), 3u) << "they are written in pieces";
    EXPECT_EQ(saver.n_bytes_of_counts(), 0);
    EXPECT_GT(saver.saved().n_bytes, n_counts);
  }
}

/// Tables whose users go unless they are pulled once in ten steps.
std::vector<table::Table> TablesOfRecentUsers() {
  std::vector<table::Table> tables;
  for (table::TableSpec spec : table::TableSpecs(ModelJob())) {
    if (spec.id == 1) {
      spec.eviction.set_min_pulls(1);
      spec.eviction.set_sweep_steps(10);
    }
    tables.emplace_back(spec, 1);
  }
  return tables;
}

/// Runs steps in which a server pulls its part of 1,000 users, every ten steps until step 30.
void RunTens(uint64_t first, uint64_t last, int server, int n_servers, table::Table* users) {
  for (uint64_t step = first; step <= last; ++step) {
    for (Key key = 0; key < 1000 && step % 10 == 0 && step <= 30; ++key) {
      if (ServerOf(1, Mix(key), n_servers) == server) Pull(users, Mix(key), step);
    }
    users->EndStep(step, table::Table::kNoneInUse);
  }
}

TEST(Checkpoint, OnFewerServersNoRowIsSweptTwiceInARow) {
  // The last steps of two servers. Slices 0 to 4 of ten are of server 0.
  for (const auto& last : {std::array{24u, 22u}, {22u, 24u}, {28u, 26u}, {26u, 28u}}) {
    SCOPED_TRACE(::testing::PrintToString(last));
    TempFolder folder(TempFolder::kInMemory);
    Manifest manifest;
    for (const int server : {0, 1}) {
      std::vector<table::Table> tables = TablesOfRecentUsers();
      RunTens(0, last[static_cast<size_t>(server)], server, 2, &tables[1]);
      const std::string name = "rows-" + std::to_string(server) + ".bin";
      AddFile(name, SaveRows(folder.Path(name), SaveKind::kModel, &tables, [] {}), &manifest);
    }
    std::vector<table::Table> tables = TablesOfRecentUsers();
    Load(folder, manifest, {1, 1}, 0, &tables);
    RunTens(std::max(last[0], last[1]) + 1, 39, 0, 1, &tables[1]);
    EXPECT_EQ(tables[1].n_rows(), 1000);
    EXPECT_EQ(tables[1].counts().rare, 0);
    RunTens(40, 49, 0, 1, &tables[1]);
    EXPECT_EQ(tables[1].n_rows(), 0) << "nobody has pulled them since step 30";
  }
}

TEST(Checkpoint, OccurrencesOfOtherSettingsAreRefused) {
  TempFolder folder;
  const Manifest manifest = SaveChoosy(true, folder);
  EXPECT_THAT(
      LoadError(folder, manifest, ChoosyTables(true, 10)),
      HasSubstr(
          "rows-0.bin: occurrences of table users were saved with admission exact { sightings: 2 "
          "max_candidates: 100000 }, expected exact { sightings: 2 max_candidates: 10 }"));
  EXPECT_THAT(LoadError(folder, manifest, ChoosyTables(false)),
              HasSubstr("expected counting_bloom { sight"));
}

/// Every rule at once, with little room.
std::vector<table::Table> CrowdedTables(bool exact, Eviction::WhenFull when_full,
                                        bool synchronous) {
  std::vector<table::Table> tables;
  for (table::TableSpec spec : table::TableSpecs(ModelJob())) {
    spec.synchronous = synchronous;
    if (spec.id == 1) {
      if (exact) {
        spec.admission.mutable_exact()->set_sightings(3);
        spec.admission.mutable_exact()->set_max_candidates(4 * kNumShards);
      } else {
        spec.admission.mutable_counting_bloom()->set_sightings(3);
        spec.admission.mutable_counting_bloom()->set_bytes(9 * kNumShards);
      }
      spec.eviction.set_ttl_steps(9);
      spec.eviction.set_min_pulls(2);
      spec.eviction.set_min_norm(0.001);
      spec.eviction.set_sweep_steps(5);
      spec.eviction.set_max_bytes(400 * kNumShards);
      spec.eviction.set_when_full(when_full);
    }
    tables.emplace_back(spec, 1);
  }
  return tables;
}

/// One step of a server among `n`: what it created, refused and evicted.
void CrowdedStep(uint64_t step, int server, int n, std::vector<table::Table>* tables) {
  table::Table& table = (*tables)[1];
  Random random(step);
  std::vector<Key> keys;
  for (int i = 0; i < 9000; ++i) {
    const Key key = random.Below(random.Below(2) == 0 ? 3000 : 30000);
    if (ServerOf(1, key, n) == server) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::byte*> rows(keys.size());
  table.FindOrCreate(keys, step, rows, step);
  std::vector<float> gradients(keys.size() * static_cast<size_t>(table.dim()));
  for (size_t i = 0; i < gradients.size(); ++i)
    gradients[i] = 0.1f * static_cast<float>(keys[i / static_cast<size_t>(table.dim())] % 11);
  table.Apply(rows, gradients.data(), nullptr, step);
  // Where steps overlap, the last two are not over.
  table.EndStep(table.spec().synchronous ? step : step - std::min<uint64_t>(step, 2),
                table.spec().synchronous ? table::Table::kNoneInUse : step);
}

std::map<Key, std::string> RowsOf(const std::vector<std::vector<table::Table>>& servers) {
  std::map<Key, std::string> rows;
  for (const std::vector<table::Table>& tables : servers) {
    for (int shard = 0; shard < kNumShards; ++shard) {
      tables[1].VisitShard(shard, [&](Key key, std::span<const std::byte> row) {
        rows[key] = std::string(reinterpret_cast<const char*>(row.data()), row.size());
      });
    }
  }
  return rows;
}

TEST(Checkpoint, GoingOnFromOneIsAsIfItHadNotBeenSaved) {
  constexpr uint64_t kBefore = 13;
  constexpr uint64_t kAfter = 30;
  for (const bool exact : {true, false}) {
    for (const Eviction::WhenFull when_full : {Eviction::EVICT_OLDEST, Eviction::REFUSE}) {
      for (const bool synchronous : {true, false}) {
        std::vector<std::vector<table::Table>> whole(1);
        whole[0] = CrowdedTables(exact, when_full, synchronous);
        for (uint64_t step = 0; step < kBefore; ++step) CrowdedStep(step, 0, 1, &whole[0]);
        TempFolder folder;
        Manifest manifest;
        AddFile("rows-0.bin",
                SaveRows(folder.Path("rows-0.bin"), SaveKind::kModel, &whole[0], [] {}), &manifest);
        const RowCounts before = whole[0][1].counts();
        EXPECT_EQ(before.displaced > 0, synchronous || when_full == Eviction::EVICT_OLDEST);
        EXPECT_GT(before.rare, 0);
        for (uint64_t step = kBefore; step < kAfter; ++step) CrowdedStep(step, 0, 1, &whole[0]);
        const std::map<Key, std::string> expected = RowsOf(whole);
        ASSERT_GT(expected.size(), 1000u);
        for (const int n : {1, 3}) {
          std::vector<std::vector<table::Table>> loaded(static_cast<size_t>(n));
          RowCounts after;
          for (int server = 0; server < n; ++server) {
            std::vector<table::Table>& tables = loaded[static_cast<size_t>(server)];
            tables = CrowdedTables(exact, when_full, synchronous);
            Load(folder, manifest, {n, 1}, server, &tables);
            for (uint64_t step = kBefore; step < kAfter; ++step)
              CrowdedStep(step, server, n, &tables);
            for (const auto& [name, count] : kRowCounts) after.*count += tables[1].counts().*count;
          }
          EXPECT_TRUE(RowsOf(loaded) == expected) << n << " servers, exact " << exact << " "
                                                  << when_full << " synchronous " << synchronous;
          for (const auto& [name, count] : kRowCounts) {
            if (count == &RowCounts::loaded) continue;
            EXPECT_EQ(after.*count, whole[0][1].counts().*count - before.*count) << name;
          }
        }
      }
    }
  }
}

/// A table that goes on changing while it is written, and its twin, which stands still meanwhile.
TEST(Checkpoint, WhatChangesWhileItIsWrittenIsNotInIt) {
  constexpr uint64_t kBefore = 13;
  TempFolder folder;
  for (const bool exact : {true, false}) {
    for (const Eviction::WhenFull when_full : {Eviction::EVICT_OLDEST, Eviction::REFUSE}) {
      for (const bool synchronous : {true, false}) {
        for (const Beside beside : {Beside::kNobody, Beside::kThread}) {
          std::vector<table::Table> twin = CrowdedTables(exact, when_full, synchronous);
          std::vector<table::Table> tables = CrowdedTables(exact, when_full, synchronous);
          uint64_t step = 0;
          for (; step < kBefore; ++step) {
            CrowdedStep(step, 0, 1, &twin);
            CrowdedStep(step, 0, 1, &tables);
          }
          SaveRows(folder.Path("twin.bin"), SaveKind::kModel, &twin, [] {});
          RowSaver saver(
              folder.Path("rows.bin"), SaveKind::kModel, &tables, [] {}, beside);
          int64_t most_kept = 0;
          for (int n = 0; !saver.IsDone(); ++n) {
            // Now a step, now some of the file, in turns of any length.
            if (n % 5 < 2) CrowdedStep(step++, 0, 1, &tables);
            most_kept = std::max(most_kept, saver.n_bytes_kept());
            saver.Advance(/*may_wait=*/n % 7 == 0);
          }
          EXPECT_GT(step, kBefore + 3);
          EXPECT_GT(most_kept, 10'000);
          EXPECT_TRUE(testing::ReadFile(folder.Path("rows.bin")) ==
                      testing::ReadFile(folder.Path("twin.bin")))
              << "exact " << exact << " " << when_full << " synchronous " << synchronous;
          // Nor does it change what becomes of them.
          for (uint64_t s = kBefore; s < step; ++s) CrowdedStep(s, 0, 1, &twin);
          SaveRows(folder.Path("twin.bin"), SaveKind::kModel, &twin, [] {});
          SaveRows(folder.Path("rows.bin"), SaveKind::kModel, &tables, [] {});
          EXPECT_TRUE(testing::ReadFile(folder.Path("rows.bin")) ==
                      testing::ReadFile(folder.Path("twin.bin")));
        }
      }
    }
  }
}

/// One that holds all rows and some that hold what changed since the one before, each written while
/// the table goes on changing.
TEST(Checkpoint, ChangesOnTopOfAllRowsAreAllRows) {
  constexpr int kSaves = 5;
  constexpr int kServers = 2;
  for (const bool exact : {true, false}) {
    for (const Eviction::WhenFull when_full : {Eviction::EVICT_OLDEST, Eviction::REFUSE}) {
      for (const bool synchronous : {true, false}) {
        SCOPED_TRACE(::testing::Message()
                     << "exact " << exact << " " << when_full << " synchronous " << synchronous);
        TempFolder folder(TempFolder::kInMemory);
        SavedChain chain(kSaves);
        Manifest whole;  // the last save, of all rows
        int64_t n_removed = 0;
        for (int n = 0; n < kSaves; ++n) {
          chain[static_cast<size_t>(n)].path = folder.Path(std::to_string(n));
          std::filesystem::create_directory(chain[static_cast<size_t>(n)].path);
        }
        for (int server = 0; server < kServers; ++server) {
          std::vector<table::Table> tables = CrowdedTables(exact, when_full, synchronous);
          uint64_t step = 0;
          for (; step < 6; ++step) CrowdedStep(step, server, kServers, &tables);
          for (int n = 0; n < kSaves; ++n) {
            SavedFolder& save = chain[static_cast<size_t>(n)];
            *save.manifest.mutable_job() = JobOf(tables);
            const std::string name = "rows-" + std::to_string(server) + ".bin";
            if (n == kSaves - 1)
              AddFile(name, SaveRows(folder.Path(name), SaveKind::kModel, &tables, [] {}), &whole);
            const RowCounts& counts = tables[1].counts();
            n_removed = counts.displaced + counts.rare + counts.small + counts.expired;
            RowSaver saver(
                save.path + "/" + name, n == 0 ? SaveKind::kWhole : SaveKind::kChanges, &tables,
                [] {}, Beside::kNobody);
            for (int i = 0; !saver.IsDone(); ++i) {
              if (i % 5 == 2) CrowdedStep(step++, server, kServers, &tables);
              saver.Advance(/*may_wait=*/true);
            }
            EXPECT_EQ(saver.saved().is_changes, n > 0);
            AddFile(name, saver.saved(), &save.manifest);
          }
          EXPECT_GT(n_removed, 100);
        }
        *whole.mutable_job() = chain[0].manifest.job();
        for (const int n : {1, 2, 3}) {
          for (int server = 0; server < n; ++server) {
            std::vector<table::Table> merged = CrowdedTables(exact, when_full, synchronous);
            LoadRows(chain, CarryAll(merged.size()), {n, 1}, server, &merged, [] {});
            std::vector<table::Table> expected = CrowdedTables(exact, when_full, synchronous);
            LoadRows({{folder.Path(), whole}}, CarryAll(merged.size()), {n, 1}, server, &expected,
                     [] {});
            EXPECT_EQ(merged[1].n_rows(), expected[1].n_rows());
            SaveRows(folder.Path("merged"), SaveKind::kModel, &merged, [] {});
            SaveRows(folder.Path("expected"), SaveKind::kModel, &expected, [] {});
            EXPECT_TRUE(testing::ReadFile(folder.Path("merged")) ==
                        testing::ReadFile(folder.Path("expected")))
                << n;
          }
        }
      }
    }
  }
}

TEST(Checkpoint, ChangesAreFewWhereFewRowsChange) {
  TempFolder folder(TempFolder::kInMemory);
  std::vector<table::Table> tables = EmptyTables();
  for (Key key = 0; key < 50'000; ++key) Pull(&tables[1], Mix(key), 0);
  const SavedRows all = SaveRows(folder.Path("all"), SaveKind::kWhole, &tables, [] {});
  EXPECT_EQ(all.n_rows, 50'000);
  EXPECT_FALSE(all.is_changes);
  for (Key key = 0; key < 100; ++key) Pull(&tables[1], Mix(key), 1);
  std::byte* row = nullptr;
  const Key seen = Mix(300);
  tables[1].Find({&seen, 1}, {&row, 1});  // no change
  // A model does not count as a save between the two.
  EXPECT_EQ(SaveRows(folder.Path("model"), SaveKind::kModel, &tables, [] {}).n_rows, 50'000);
  const SavedRows changes = SaveRows(folder.Path("changes"), SaveKind::kChanges, &tables, [] {});
  EXPECT_TRUE(changes.is_changes);
  EXPECT_EQ(changes.n_rows, 100);
  EXPECT_LT(changes.n_bytes, all.n_bytes / 100);
  EXPECT_EQ(SaveRows(folder.Path("none"), SaveKind::kChanges, &tables, [] {}).n_rows, 0);
}

/// Tables whose users and items expire once a step has not pulled them.
std::vector<table::Table> ShortLivedTables() {
  std::vector<table::Table> tables;
  for (table::TableSpec spec : table::TableSpecs(ModelJob())) {
    if (spec.id != kDenseTable) {
      spec.eviction.set_ttl_steps(1);
      spec.eviction.set_sweep_steps(1);
    }
    tables.emplace_back(spec, 1);
  }
  return tables;
}

TEST(Checkpoint, KeysThatLostTheirRowsMayFillSeveralBlocks) {
  const std::vector<size_t> n_keys = {0, 200'000, 1'000};  // [table]
  TempFolder folder(TempFolder::kInMemory);
  std::vector<table::Table> tables = ShortLivedTables();
  std::vector<Key> keys(n_keys[1]);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = Mix(i);
  std::vector<std::byte*> rows(keys.size());
  SavedChain chain(2);
  for (const uint64_t n : {0u, 1u}) {
    for (const TableId t : {1, 2}) {
      tables[t].EndStep(5 * n, table::Table::kNoneInUse);
      EXPECT_EQ(tables[t].n_rows(), 0);
      // The first time all keys, then half of them.
      tables[t].FindOrCreate(std::span(keys).first(n_keys[t] / (n + 1)), 9 * n, rows);
    }
    SavedFolder& save = chain[n];
    save.path = folder.Path(std::to_string(n));
    std::filesystem::create_directory(save.path);
    *save.manifest.mutable_job() = JobOf(tables);
    const SaveKind kind = n == 0 ? SaveKind::kWhole : SaveKind::kChanges;
    AddFile("rows", SaveRows(save.path + "/rows", kind, &tables, [] {}), &save.manifest);
  }
  EXPECT_TRUE(chain[1].manifest.file(0).is_changes());
  std::vector<table::Table> loaded = ShortLivedTables();
  LoadRows(chain, CarryAll(loaded.size()), {1, 1}, 0, &loaded, [] {});
  for (const TableId t : {1, 2}) {
    EXPECT_EQ(loaded[t].n_rows(), tables[t].n_rows());
    loaded[t].Find(keys, rows);
    for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(rows[i] != nullptr, i < n_keys[t] / 2) << i;
  }
}

TEST(Checkpoint, AllRowsAreWrittenWhereChangesAreNotKnown) {
  TempFolder folder(TempFolder::kInMemory);
  std::vector<table::Table> tables = EmptyTables();
  for (Key key = 0; key < 100; ++key) Pull(&tables[1], Mix(key), 0);
  const SavedRows first = SaveRows(folder.Path("first"), SaveKind::kChanges, &tables, [] {});
  EXPECT_FALSE(first.is_changes);
  EXPECT_EQ(first.n_rows, 100);
  EXPECT_TRUE(SaveRows(folder.Path("second"), SaveKind::kChanges, &tables, [] {}).is_changes);
}

TEST(Checkpoint, RefusesChangesWithoutTheirBase) {
  TempFolder folder(TempFolder::kInMemory);
  std::vector<table::Table> tables = EmptyTables();
  SaveRows(folder.Path("all"), SaveKind::kWhole, &tables, [] {});
  Pull(&tables[1], 7, 1);
  Manifest manifest;
  AddFile("changes", SaveRows(folder.Path("changes"), SaveKind::kChanges, &tables, [] {}),
          &manifest);
  EXPECT_THAT(
      LoadError(folder, manifest, EmptyTables()),
      HasSubstr("changes holds only what has changed, and the manifest does not say since when"));
  manifest.mutable_file(0)->set_is_changes(false);
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()),
              HasSubstr("changes: holds what has changed, expected the other"));
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
  std::vector<table::Table> tables;
  for (const table::TableSpec& spec : table::TableSpecs(wider)) tables.emplace_back(spec, 1);
  EXPECT_THAT(LoadError(folder, manifest, std::move(tables)), HasSubstr("table items of dim 3"));
}

TEST(Checkpoint, RefusesNamesOutsideItsFolder) {
  TempFolder folder;
  Manifest manifest = SaveAs(1, folder);
  manifest.mutable_file(0)->set_name("../rows-0.bin");
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("not in the folder"));
}

TEST(Checkpoint, AnUnwritableFileIsAnError) {
  std::vector<table::Table> tables = EmptyTables();
  EXPECT_THROW(SaveRows("/nowhere/rows.bin", SaveKind::kModel, &tables, [] {}), FileError);
}

}  // namespace
}  // namespace zhiyin::ps::save
