// Runs the queries through node-postgres in every form it has; prints one JSON document. The connection comes from PG*.
'use strict'
const fs = require('fs')
const { Client } = require('pg')

const [queriesFile, failing] = process.argv.slice(2)
const queries = JSON.parse(fs.readFileSync(queriesFile, 'utf8'))

const shape = (result) => ({
  columns: result.fields.map((field) => [field.name, field.dataTypeID, field.dataTypeModifier, field.format]),
  rows: result.rows,
  tag: [result.command, result.rowCount],
})

async function outcome(run) {
  try {
    return shape(await run())
  } catch (error) {
    if (!error.code) throw error
    return { error: [error.code, error.message, error.position] }
  }
}

async function forms(client, query, at) {
  const base = { text: query.sql, values: query.params, rowMode: 'array' }
  const result = {
    extended: await outcome(() => client.query({ ...base, queryMode: 'extended' })),
    prepared: await outcome(() => client.query({ ...base, name: `statement ${at}` })),
    again: await outcome(() => client.query({ ...base, name: `statement ${at}` })),
  }
  if (query.params.length === 0) {
    result.simple = await outcome(() => client.query({ text: query.sql, rowMode: 'array' }))
  }
  return result
}

// Every query in one go, none waiting for the answer to the one before; each ends in its own Sync.
async function pipelined() {
  const client = new Client({ pipeline: true })
  await client.connect()
  const running = queries.map((query) =>
    outcome(() => client.query({ text: query.sql, values: query.params, rowMode: 'array' })))
  const answers = await Promise.all(running)
  await client.end()
  return answers
}

async function failedTransaction(client) {
  const states = []
  for (const sql of ['BEGIN', 'SELECT 1', 'SAVEPOINT s', failing, 'SELECT 2', 'ROLLBACK TO s', 'SELECT 3', 'COMMIT']) {
    try {
      await client.query(sql)
      states.push('ok')
    } catch (error) {
      states.push(error.code === '25P02' ? '25P02' : 'failed')
    }
  }
  return states
}

async function main() {
  const client = new Client()
  await client.connect()
  const answers = {}
  for (const [at, query] of queries.entries()) answers[query.name] = await forms(client, query, at)
  const report = {
    answers,
    'failed transaction': await failedTransaction(client),
    pipelined: await pipelined(),
    alive: (await client.query('SELECT 5 AS five')).rows,
  }
  await client.end()
  console.log(JSON.stringify(report, null, 1))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
