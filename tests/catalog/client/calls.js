// Calls every method of the unmodified CatalogClient against a server, and prints what each answered as JSON:
//   node calls.js http://127.0.0.1:7700/api/catalog http://127.0.0.1:8000
// The second address serves descriptors (see the test), which are registered as `url` locations.
const { CatalogClient, CATALOG_FILTER_EXISTS } = require('@backstage/catalog-client');

const [catalog, files] = process.argv.slice(2);
const called = new Set();
const answers = {};

// Every request is noted as well, so that the test sees which form of a call the client chose.
let requests = [];
const fetchApi = {
  fetch: (url, options) => {
    requests.push(`${options?.method ?? 'GET'} ${new URL(url).pathname.replace('/api/catalog', '')}`);
    return fetch(url, options);
  },
};
const real = new CatalogClient({ discoveryApi: { getBaseUrl: async () => catalog }, fetchApi });
const client = new Proxy(real, {
  get(target, name) {
    const found = target[name];
    if (typeof found !== 'function') return found;
    return (...given) => {
      called.add(name);
      return found.apply(target, given);
    };
  },
});

async function note(name, call) {
  requests = [];
  try {
    const answer = await call();
    answers[name] = { answer: answer === undefined ? null : answer, requests };
  } catch (error) {
    answers[name] = { error: { name: error.name, message: error.message, status: error.statusCode ?? null }, requests };
  }
  return answers[name].answer;
}

const names = entities => entities.map(each => each?.metadata?.name ?? null);
const later = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Walks all pages forward, then back to the first; the names on each page. */
async function walk(request, again = {}) {
  const forward = [];
  let page = await client.queryEntities(request);
  const { totalItems } = page;
  forward.push(names(page.items));
  while (page.pageInfo.nextCursor) {
    page = await client.queryEntities({ cursor: page.pageInfo.nextCursor, limit: request.limit, ...again });
    forward.push(names(page.items));
  }
  const back = [names(page.items)];
  while (page.pageInfo.prevCursor) {
    page = await client.queryEntities({ cursor: page.pageInfo.prevCursor, limit: request.limit, ...again });
    back.push(names(page.items));
  }
  return { forward, back: back.reverse(), totalItems };
}

/** Asks until an answer is there, for at most ten seconds. */
async function until(ask) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await ask();
    if (answer) return answer;
    await later(100);
  }
  return undefined;
}

async function reading() {
  const byName = { field: 'metadata.name', order: 'asc' };
  const components = { kind: 'component' };
  await note('getEntities', async () => names((await client.getEntities()).items));
  await note('getEntities filter', async () =>
    names((await client.getEntities({ filter: [{ kind: 'component', 'spec.type': ['service', 'library'] }, { kind: 'api' }] })).items),
  );
  await note('getEntities exists', async () =>
    names((await client.getEntities({ filter: { kind: 'component', 'metadata.labels.tier': CATALOG_FILTER_EXISTS } })).items),
  );
  await note('getEntities fields', async () => (await client.getEntities({ filter: { kind: 'system' }, fields: ['kind', 'metadata.name'] })).items);
  await note('getEntities order', async () =>
    names((await client.getEntities({ filter: components, order: { field: 'metadata.name', order: 'desc' }, limit: 3, offset: 1 })).items),
  );
  await note('getEntities orders', async () => names((await client.getEntities({ filter: components, order: [byName, byName] })).items));
  await note('getEntities refused', () => client.getEntities({ limit: -1 }));

  const refs = Array.from({ length: 2500 }, (_, number) => `component:default/c-${String(number).padStart(4, '0')}`);
  await note('getEntitiesByRefs', async () => names((await client.getEntitiesByRefs({ entityRefs: refs })).items));
  await note('getEntitiesByRefs options', async () =>
    (await client.getEntitiesByRefs({ entityRefs: ['component:default/c-0001', 'user:default/ana', 'x:y/z'], fields: ['kind'], filter: components })).items,
  );
  await note('getEntitiesByRefs query', async () =>
    names((await client.getEntitiesByRefs({ entityRefs: ['component:default/c-0001', 'user:default/ana'], query: { kind: 'user' }, filter: { 'metadata.name': 'ana' } })).items),
  );

  await note('queryEntities', () => walk({ filter: components, orderFields: byName, limit: 17 }));
  await note('queryEntities desc', () => walk({ filter: components, orderFields: { field: 'metadata.name', order: 'desc' }, limit: 25 }));
  await note('queryEntities unordered', () => walk({ filter: components, limit: 25 }));
  await note('queryEntities predicate', () => walk({ query: { $all: [{ kind: 'component' }, { $not: { 'spec.type': 'website' } }] }, orderFields: byName, limit: 11 }));
  await note('queryEntities both', () => walk({ query: { kind: { $in: ['component', 'api'] } }, filter: { 'spec.type': 'service' }, orderFields: [byName], limit: 9 }));
  await note('queryEntities text', () => walk({ fullTextFilter: { term: ' C-000 ', fields: ['metadata.name', 'metadata.title'] }, orderFields: byName, limit: 4 }));
  await note('queryEntities fields', async () => (await client.queryEntities({ filter: { kind: 'user' }, fields: ['metadata.name'], limit: 1, totalItems: 'exclude' })));
  await note('queryEntities count', () => client.queryEntities({ filter: components, limit: 0 }));
  await note('queryEntities offset', async () => names((await client.queryEntities({ filter: components, orderFields: byName, limit: 2, offset: 58 })).items));
  await note('queryEntities malformed', () => client.queryEntities({ cursor: 'nonsense' }));
  await note('streamEntities', async () => {
    const pages = [];
    for await (const page of client.streamEntities({ filter: components, orderFields: byName, pageSize: 25 })) pages.push(names(page));
    return pages;
  });
  await note('streamEntities predicate', async () => {
    const pages = [];
    for await (const page of client.streamEntities({ query: { kind: 'component' }, orderFields: byName, pageSize: 25 })) pages.push(names(page));
    return pages;
  });

  await note('getEntityByRef', () => client.getEntityByRef('Component:default/C-0001'));
  await note('getEntityByRef compound', async () => (await client.getEntityByRef({ kind: 'api', namespace: 'default', name: 'a' })).metadata.name);
  await note('getEntityByRef missing', () => client.getEntityByRef('component:default/none'));
  await note('getEntityByName', async () => (await client.getEntityByName({ kind: 'user', name: 'ana' })).metadata.name);
  await note('getEntityAncestors', async () => {
    const found = await client.getEntityAncestors({ entityRef: 'component:default/c-0001' });
    return { root: found.rootEntityRef, items: found.items.map(each => [each.entity.kind, each.parentEntityRefs.length]) };
  });
  await note('getEntityAncestors missing', () => client.getEntityAncestors({ entityRef: 'component:default/none' }));
  await note('getEntityFacets', () => client.getEntityFacets({ facets: ['kind', 'spec.type'], filter: components }));
  await note('getEntityFacets predicate', () => client.getEntityFacets({ facets: ['metadata.tags'], query: { kind: 'component' }, filter: { 'spec.type': 'service' } }));
  await note('getEntityFacets refused', () => client.getEntityFacets({ facets: [] }));
  await note('refreshEntity', () => client.refreshEntity('component:default/c-0001'));
  await note('refreshEntity missing', () => client.refreshEntity('component:default/none'));

  const entity = await client.getEntityByRef('component:default/c-0001');
  const { relations, ...plain } = entity;
  const { uid, etag, ...metadata } = plain.metadata;
  const good = { ...plain, metadata };
  await note('validateEntity', () => client.validateEntity(good, 'url:http://127.0.0.1:1/catalog-info.yaml'));
  await note('validateEntity bad', () => client.validateEntity({ ...good, metadata: { ...metadata, name: '-bad-' } }, 'url:http://127.0.0.1:1/catalog-info.yaml'));
  await note('analyzeLocation', () => client.analyzeLocation({ location: { type: 'url', target: 'https://github.com/example/some-repo' } }));
}

async function writing() {
  const target = `${files}/one.yaml`;
  await note('getLocations before', () => client.getLocations());
  await note('addLocation dry run', async () => {
    const { exists, entities, location } = await client.addLocation({ type: 'url', target, dryRun: true });
    return { exists, kinds: entities.map(each => each.kind).sort(), target: location.target };
  });
  const made = await note('addLocation', () => client.addLocation({ target }));
  const id = made?.location?.id ?? 'none';
  await note('addLocation again', () => client.addLocation({ target }));
  await note('addLocation refresh', async () => (await client.addLocation({ target, onConflict: 'refresh' })).location.id === id);
  await note('addLocation file', () => client.addLocation({ type: 'file', target: '/etc/hostname' }));
  await note('registered entity', async () => (await until(() => client.getEntityByRef('component:default/from-url')))?.metadata.name);
  await note('getLocations', () => client.getLocations());
  await note('getLocationById', async () => (await client.getLocationById(id)).target);
  await note('getLocationById missing', () => client.getLocationById('00000000-0000-4000-8000-000000000000'));
  await note('getLocationByRef', async () => (await client.getLocationByRef(`url:${target}`)).id === id);
  await note('getLocationByEntity', async () => (await client.getLocationByEntity('component:default/from-url')).id === id);
  await note('getLocationByEntity none', () => client.getLocationByEntity('component:default/c-0001'));
  for (const name of ['two', 'three', 'four']) await client.addLocation({ target: `${files}/${name}.yaml` });
  await note('queryLocations', async () => {
    const found = await client.queryLocations({ limit: 3, query: { type: 'url', target: { $hasPrefix: files } } });
    const rest = await client.queryLocations({ cursor: found.pageInfo.nextCursor });
    return { total: found.totalItems, pages: [found.items.length, rest.items.length], more: rest.pageInfo.nextCursor ?? null };
  });
  await note('streamLocations', async () => {
    const pages = [];
    for await (const page of client.streamLocations({ limit: 3 })) pages.push(page.length);
    return pages;
  });
  await note('updateLocation', async () => (await client.updateLocation(id, { type: 'url', target: `${files}/moved.yaml` })).target === `${files}/moved.yaml`);
  await note('moved entity', async () => (await until(() => client.getEntityByRef('component:default/moved')))?.metadata.name);
  await note('removeEntityByUid', async () => {
    const { metadata } = await client.getEntityByRef('component:default/moved');
    await client.removeEntityByUid(metadata.uid);
    return 'done';
  });
  await note('removeEntityByUid unknown', () => client.removeEntityByUid('00000000-0000-4000-8000-000000000000'));
  await note('removeLocationById', () => client.removeLocationById(id));
  await note('removed location', () => client.getLocationById(id));
  await note('removeLocationById again', () => client.removeLocationById(id));
}

async function main() {
  await reading();
  await writing();
  const methods = Object.getOwnPropertyNames(CatalogClient.prototype).filter(name => name !== 'constructor');
  process.stdout.write(JSON.stringify({ answers, methods, called: [...called] }));
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
