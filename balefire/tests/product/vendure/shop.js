'use strict';
// A small Vendure shop on the PostgreSQL database that the environment names. With SHOP_FIRST=1 it
// makes its tables and goods before it opens. It says "shop is open at URL" on standard output,
// and closes when the process that started it is gone.

// Debian 12 brings Node.js 18, where this is no global yet.
globalThis.crypto ??= require('crypto').webcrypto;

const core = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const path = require('path');

function named(name) {
    const value = process.env[name];
    if (value === undefined) {
        throw new Error(`${name} is not set`);
    }
    return value;
}

const first = process.env.SHOP_FIRST === '1';

const config = {
    apiOptions: {
        hostname: '127.0.0.1',
        port: 0,
        adminApiPath: 'admin-api',
        shopApiPath: 'shop-api',
        cors: false,
    },
    authOptions: {
        tokenMethod: ['bearer'],
        requireVerification: false,
        superadminCredentials: { identifier: 'keeper', password: named('SHOP_ADMIN_PASSWORD') },
        cookieOptions: { secret: 'only-for-a-throwaway-shop' },
    },
    dbConnectionOptions: {
        type: 'postgres',
        host: '127.0.0.1',
        port: Number(named('SHOP_DATABASE_PORT')),
        database: named('SHOP_DATABASE'),
        username: named('SHOP_DATABASE_USER'),
        password: named('SHOP_DATABASE_PASSWORD'),
        schema: 'public',
        synchronize: first,
        logging: false,
        extra: { max: 10, application_name: 'vendure' },
    },
    logger: new core.DefaultLogger({ level: core.LogLevel.Warn, timestamp: false }),
    paymentOptions: { paymentMethodHandlers: [core.dummyPaymentHandler] },
    plugins: [
        core.DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
        core.DefaultSearchPlugin.init({ indexStockStatus: true }),
    ],
};

const pays = (name, settlesAtOnce) => ({
    name,
    handler: {
        code: 'dummy-payment-handler',
        arguments: [{ name: 'automaticSettle', value: String(settlesAtOnce) }],
    },
});

const beginning = {
    defaultLanguage: 'en',
    defaultZone: 'Asia',
    countries: [
        { name: 'China', code: 'CN', zone: 'Asia' },
        { name: 'Japan', code: 'JP', zone: 'Asia' },
        { name: 'France', code: 'FR', zone: 'Europe' },
    ],
    taxRates: [
        { name: 'Standard', percentage: 13 },
        { name: 'Reduced', percentage: 9 },
    ],
    shippingMethods: [
        { name: 'Post', price: 800 },
        { name: 'Courier', price: 2000 },
    ],
    paymentMethods: [pays('Card', false), pays('Wallet', true)],
    collections: [],
};

async function open() {
    const app = first
        ? await populate(() => core.bootstrap(config), beginning, path.join(__dirname, 'goods.csv'))
        : await core.bootstrap(config);
    await app.get(core.JobQueueService).start();
    const { port } = app.getHttpServer().address();
    console.log(`shop is open at http://127.0.0.1:${port}`);
}

const starter = process.ppid;
setInterval(() => {
    if (process.ppid !== starter) {
        process.exit(1);
    }
}, 1000).unref();

open().catch((error) => {
    console.error(error);
    process.exit(1);
});
