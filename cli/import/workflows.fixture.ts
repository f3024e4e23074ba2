// Workflows as public projects have them: a library for Node, a release in Go, a package in Python, and what GitLab keeps of jobs.

export const NODE_LIBRARY = `name: CI
on:
  push: { branches: [main] }
  pull_request: { branches: [main] }
concurrency:
  group: \${{ github.workflow }}-\${{ github.head_ref || github.run_id }}
  cancel-in-progress: true
permissions: { contents: read }
jobs:
  lint:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22, cache: npm }
      - run: npm ci
      - run: npm run lint
  test:
    needs: lint
    runs-on: \${{ matrix.os }}
    continue-on-error: \${{ matrix.experimental }}
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-latest, windows-latest]
        node: [20, 22]
        include:
          - { os: ubuntu-latest, node: 24, experimental: true }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: "\${{ matrix.node }}" }
      - uses: actions/cache@v4
        id: modules
        with:
          path: |
            node_modules
            ~/.npm
          key: \${{ runner.os }}-node-\${{ matrix.node }}-\${{ hashFiles('**/package-lock.json') }}
          restore-keys: |
            \${{ runner.os }}-node-\${{ matrix.node }}-
            \${{ runner.os }}-
      - if: steps.modules.outputs.cache-hit != 'true'
        run: npm ci
      - run: npm test -- --coverage
      - name: Keep the coverage
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: coverage-\${{ matrix.os }}-\${{ matrix.node }}
          path: coverage/
          retention-days: 5
  report:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: { pattern: coverage-*, merge-multiple: true, path: all }
      - run: |
          echo "## Coverage" >> $GITHUB_STEP_SUMMARY
          find all -name lcov.info >> $GITHUB_STEP_SUMMARY
`;

export const GO_RELEASE = `name: Release
on:
  push: { tags: ["v*"] }
env: { CGO_ENABLED: "0" }
jobs:
  build:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        goos: [linux, darwin]
        goarch: [amd64, arm64]
    steps:
      - uses: actions/checkout@v4
        with: { fetch-depth: 0 }
      - uses: actions/setup-go@v5
        with: { go-version-file: go.mod }
      - run: go build -trimpath -o dist/tool-\${{ matrix.goos }}-\${{ matrix.goarch }} ./cmd/tool
        env: { GOOS: "\${{ matrix.goos }}", GOARCH: "\${{ matrix.goarch }}" }
      - uses: actions/upload-artifact@v4
        with:
          name: tool-\${{ matrix.goos }}-\${{ matrix.goarch }}
          path: dist/*
          if-no-files-found: error
  notes:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ./scripts/notes.sh > NOTES.md
      - uses: actions/upload-artifact@v4
        with: { name: notes, path: NOTES.md }
  release:
    needs: [build, notes]
    runs-on: ubuntu-latest
    timeout-minutes: 15
    concurrency: release
    permissions: { contents: write }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/download-artifact@v4
        with: { pattern: tool-*, path: dist, merge-multiple: true }
      - uses: actions/download-artifact@v4
        with: { name: notes }
      - run: cd dist && sha256sum * > checksums.txt
      - uses: softprops/action-gh-release@v2
        with: { files: dist/*, body_path: NOTES.md }
  publish:
    needs: release
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/download-artifact@v4
        with: { name: notes, path: notes }
      - run: ./scripts/announce.sh notes/NOTES.md "$GITHUB_REF_NAME"
        env: { TOKEN: "\${{ secrets.ANNOUNCE_TOKEN }}" }
`;

export const PYTHON_PACKAGE = `name: Tests
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    services:
      postgres: { image: "postgres:16", ports: ["5432:5432"] }
    strategy:
      matrix: { python-version: ["3.11", "3.12", "3.13"] }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: { python-version: "\${{ matrix.python-version }}", cache: pip, cache-dependency-path: requirements/*.txt }
      - run: python -m pip install tox
      - name: Run the tests
        run: |
          echo "::group::tox"
          tox -e py
          echo "::endgroup::"
      - if: failure()
        run: echo "::error file=src/app.py,line=1::The tests failed"
      - uses: actions/upload-artifact@v4
        if: \${{ !cancelled() }}
        with: { name: "data-\${{ matrix.python-version }}", path: .coverage.*, include-hidden-files: true }
  coverage:
    needs: test
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/download-artifact@v4
        with: { pattern: data-*, merge-multiple: true }
      - run: |
          coverage combine
          coverage report --format=markdown >> $GITHUB_STEP_SUMMARY
          coverage xml
      - uses: codecov/codecov-action@v4
      - uses: actions/upload-artifact@v4
        with: { name: report, path: coverage.xml }
  build:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python -m build
      - uses: actions/upload-artifact@v4
        with: { name: dist, path: dist/ }
  publish:
    needs: build
    if: startsWith(github.ref, 'refs/tags/')
    runs-on: ubuntu-latest
    environment: pypi
    permissions: { id-token: write }
    steps:
      - uses: actions/download-artifact@v4
        with: { name: dist, path: dist/ }
      - uses: pypa/gh-action-pypi-publish@release/v1
`;

export const GITLAB_FILES = `stages: [build, test, deploy]
variables: { NODE: "22", OUT: dist }
default:
  interruptible: true
  cache:
    key: { files: [package-lock.json], prefix: node-$NODE }
    paths: [.npm/, node_modules/]
    fallback_keys: [node-main]
build:
  stage: build
  script: npm run build
  artifacts:
    paths: ["$OUT/", "$CI_PROJECT_DIR/report"]
    exclude: ["dist/**/*.map"]
    expire_in: 1 week
    when: always
lint:
  stage: build
  cache: []
  script: npm run lint
test:
  stage: test
  script: npm test
  cache: { key: "tests-$CI_COMMIT_REF_SLUG", paths: [tmp], policy: pull }
deploy:
  stage: deploy
  interruptible: false
  resource_group: production
  cache: []
  script: ./deploy.sh
`;
